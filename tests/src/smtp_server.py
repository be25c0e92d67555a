"""A real SMTP server for the tests: takes mail on 127.0.0.1 and journals each message as one line of JSON.

Arguments: PORT, JOURNAL, BEHAVIOUR. The last is a file that is read at each message; it holds one of
  accept  journals the message and answers 250
  reject  answers 550 (a permanent refusal)
  defer   answers 451 (come again later)
  vanish  journals the message and cuts the connection instead of answering, as a crash between the two would
  stall   journals the message and answers only when the file says something else
"""

import asyncio
import email
import email.policy
import json
import os
import sys

from aiosmtpd.smtp import SMTP


class Journal:
    def __init__(self, path, behaviour):
        self.path = path
        self.behaviour = behaviour

    async def handle_DATA(self, server, session, envelope):
        behaviour = self.now()
        if behaviour == "reject":
            return "550 5.1.1 no such mailbox"
        if behaviour == "defer":
            return "451 4.3.0 come again later"
        self.write(envelope)
        if behaviour == "vanish":
            server.transport.abort()
        while behaviour == "stall" and self.now() == "stall":
            await asyncio.sleep(0.02)
        return "250 2.0.0 taken"

    def now(self):
        with open(self.behaviour, encoding="utf-8") as file:
            return file.read().strip()

    def write(self, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "message_id": str(message["message-id"] or ""),
            "subject": str(message["subject"] or ""),
            "text": body.get_content().replace("\r\n", "\n") if body else "",
            # Latin-1 maps each byte to one character and back.
            "raw": envelope.content.decode("latin-1"),
        }
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


async def main(port, journal, behaviour):
    loop = asyncio.get_running_loop()
    handler = Journal(journal, behaviour)
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
