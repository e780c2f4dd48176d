"""What known systems choose for their copies, and what they really promise.

A preset is as near as the quorum store comes to a system, for looking at; ``promises`` is what its
documentation says, and ``differs`` what the preset leaves out. Checked in November 2026.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy

#: Characters in a line, where a preset is printed.
_WIDTH = 96


@dataclass(frozen=True)
class Preset:
    """One way to use one system.

    Attributes:
        system: its name.
        setting: what is set or asked for.
        policy: the nearest there is here.
        side: ``CP``: while the network is cut, it refuses rather than be wrong; ``AP``: it answers
            rather than refuse.
        promises: what its documentation says.
        differs: what it does that the policy does not show.
        source: where that stands.
    """

    system: str
    setting: str
    policy: Policy
    side: str
    promises: str
    differs: str
    source: str

    def __str__(self) -> str:
        told = {"promises": self.promises, "differs": self.differs, "source": self.source}
        return "\n".join(
            (
                f"{self.system}, {self.setting} ({self.side})",
                *(
                    textwrap.fill(
                        words, _WIDTH, initial_indent=f"    {name:10}", subsequent_indent=" " * 14
                    )
                    for name, words in told.items()
                ),
            )
        )


_ATOMIC = Policy(n=3, r=2, w=2, repair="before")

PRESETS: dict[str, Preset] = {
    "dynamodb-eventual": Preset(
        "DynamoDB",
        "GetItem (the default)",
        Policy(n=3, r=1, w=2, versions="asked", repair="after"),
        "CP for writes, AP for reads",
        "A read may miss a recent write; read again a little later, and it is there.",
        "One of the three copies is a leader, and orders the writes; a read may ask any of them.",
        "Amazon DynamoDB Developer Guide, Read consistency",
    ),
    "dynamodb-strong": Preset(
        "DynamoDB",
        "GetItem with ConsistentRead=true",
        _ATOMIC,
        "CP",
        "A read sees every write that was answered before; it may fail when the network does.",
        "It asks the leader of the copies. Across regions (global tables) the last write wins, "
        "unless the table was made for strong consistency.",
        "Amazon DynamoDB Developer Guide, Read consistency; Global tables",
    ),
    "s3": Preset(
        "S3",
        "GET after PUT",
        _ATOMIC,
        "CP",
        "Since December 2020 every read after an answered write of an object sees it, also lists.",
        "Single objects only; of writes at the same time the last one wins, and nothing locks.",
        "Amazon S3 User Guide, Amazon S3 data consistency model",
    ),
    "spanner": Preset(
        "Spanner",
        "strong reads",
        _ATOMIC,
        "CP",
        "Transactions are externally consistent: their order is that of real time, on all keys.",
        "Each part of the data is a Paxos group with a leader, and clocks with a known error order "
        "the transactions. Here are single keys only.",
        "Corbett and others, Spanner (2012), §4; Brewer, Spanner, TrueTime and the CAP Theorem",
    ),
    "cassandra-one": Preset(
        "Cassandra",
        "consistency level ONE",
        Policy(n=3, r=1, w=1, versions="clock", repair="after"),
        "AP",
        "One copy is enough; the others follow. The write with the latest clock wins, per cell.",
        "Hints are kept for copies that are down, and do not count; with ANY they do.",
        "Apache Cassandra documentation, Dynamo; Lakshman and Malik (2010)",
    ),
    "cassandra-quorum": Preset(
        "Cassandra",
        "consistency level QUORUM, for reads and writes",
        Policy(n=3, r=2, w=2, versions="clock", repair="before"),
        "CP",
        "A read meets every answered write in at least one copy.",
        "Clocks decide which write is newest: with wrong clocks an answered write can lose. Only "
        "lightweight transactions (Paxos) compare and set.",
        "Apache Cassandra documentation, Dynamo, Tunable consistency",
    ),
    "zookeeper": Preset(
        "ZooKeeper",
        "getData",
        Policy(n=3, r=1, w=2, versions="asked", repair="never"),
        "CP for writes, AP for reads of those who still have a session",
        "Writes are linearizable; a read is answered by the server it is asked of, and may be old. "
        "A client never sees time go back.",
        "sync() before a read brings that server up to date. A session remembers how much it has "
        "seen; the policy does not.",
        "Apache ZooKeeper Programmer's Guide, Consistency guarantees; Hunt and others (2010), §2.3",
    ),
}
