"""The command line as a person or a script meets it: processes on a store of their own."""

import json

from tests import commands

SETTINGS = """\
name: Renewals
agent_id: agent
contact_list: people
dialer: simulated
phone_numbers: [+12125550190, +12125550191]
timezone: America/New_York
start_time: 10:00
end_time: 17:00
"""
PEOPLE = "id,phone\n" + "".join(f"c{n},212-555-01{n:02}\n" for n in range(20))


class Callplan:
    """Runs commands on a store of its own."""

    def __init__(self, folder):
        self.folder, self.home = folder, folder / "store"

    def __call__(self, *arguments):
        return commands.run(*arguments, folder=self.folder, home=self.home)

    def ok(self, *arguments):
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def write(self, name, text):
        file = self.folder / name
        file.write_text(text)
        return file
