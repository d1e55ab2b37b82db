"""A real name server on loopback: UDP, TXT records that a test sets. What has no record does not exist."""

from __future__ import annotations

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

LASTS = 60  # seconds; the platform keeps nothing between two looks anyway


class NameServer:
    """records: name → texts. silent: questions are not answered at all. asked: the names in order."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.silent = False
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                wire, sender = self._socket.recvfrom(4096)
            except OSError:  # closed
                return
            if not self.silent:
                self._socket.sendto(self._answer(wire), sender)

    def _answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(name)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        texts = self.records.get(name, [])
        if texts and question.rdtype == dns.rdatatype.TXT:
            said = [f'"{text}"' for text in texts]
            answer.answer.append(dns.rrset.from_text(question.name, LASTS, "IN", "TXT", *said))
        elif not texts:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    def close(self) -> None:
        self._socket.close()
