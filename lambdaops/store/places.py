"""Where the journal of a target is kept: ``<home>/journal/<account>/<region>/<function>/<alias>.jsonl``.

Rules this file guarantees: an ARN is checked against what Lambda or SQS allows before it becomes a path, and what they
allow has no separator and no dot but that of ``.fifo`` at its end, so no ARN leads out of ``home``; a publication's
journal is ``@function.jsonl``, which no alias can be called; a queue's is ``@sqs/<queue>.jsonl`` and a playbook's
``@playbooks/<name>.jsonl``, which no function can be called; a path leads back to exactly one ARN.

AWS has no ARNs of playbooks: their runs are kept under ``arn:aws:lambda:REGION:ACCOUNT:playbook:NAME``. The right to
drive one of them is that of ``...:playbook:NAME@RUN``, so that runs of one playbook do not wait for each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidTargetError
from lambdaops.core.model import Target, parse_function

if TYPE_CHECKING:
    from pathlib import Path

_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:([a-z0-9-]+):([0-9]{12}):function:([^:]+)")
# "A queue name can have up to 80 characters ... alphanumeric characters, hyphens, and underscores"; a FIFO queue's ends
# with .fifo, which counts: SQS API reference, CreateQueue, QueueName.
_QUEUE_ARN = re.compile(r"arn:aws[a-z-]*:sqs:([a-z0-9-]+):([0-9]{12}):(?=.{1,80}\Z)([A-Za-z0-9_-]+(?:\.fifo)?)")
_PLAYBOOK_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:([a-z0-9-]+):([0-9]{12}):playbook:([a-z][a-z0-9-]{0,62}(?:@[a-z0-9-]{1,64})?)"
)
_NO_ALIAS = "@function"
_QUEUES = "@sqs"
_PLAYBOOKS = "@playbooks"
SUFFIX = ".jsonl"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html, botocore's partitions.json
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The parts of an ARN that are the parts of a path; ``alias`` is empty for a function's own journal.

    The name of a queue or a playbook stands in ``alias``; of a queue there is no function.
    """

    arn: str
    account: str
    region: str
    function: str
    alias: str = ""

    @classmethod
    def parse(cls, arn: str) -> Place:
        """Take the ARN of an alias, a function, a queue or a playbook apart.

        Raises:
            InvalidTargetError: it is none of them.
        """
        queue = _QUEUE_ARN.fullmatch(arn)
        if queue:
            return cls(arn, queue[2], queue[1], "", queue[3])
        playbook = _PLAYBOOK_ARN.fullmatch(arn)
        if playbook:
            return cls(arn, playbook[2], playbook[1], _PLAYBOOKS, playbook[3])
        found = _FUNCTION_ARN.fullmatch(arn)
        if found:
            return cls(arn, found[2], found[1], parse_function(found[3]))
        target = Target.parse(arn)
        if target.account is None or target.region is None:
            raise InvalidTargetError(
                f"{arn!r} is not an ARN: a journal belongs to an alias of one account and region",
                hint="An alias ARN reads arn:aws:lambda:REGION:ACCOUNT:function:FUNCTION:ALIAS.",
            )
        return cls(arn, target.account, target.region, target.function, target.alias)

    @classmethod
    def of_path(cls, account: str, region: str, function: str, stem: str) -> Place | None:
        """The place of a journal file, or None for a file that is no journal.

        The path does not say the partition; the region does.
        """
        partition = next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
        alias = "" if stem == _NO_ALIAS else f":{stem}"
        arn = f"arn:{partition}:lambda:{region}:{account}:function:{function}{alias}"
        if function == _QUEUES:
            arn = f"arn:{partition}:sqs:{region}:{account}:{stem}"
        elif function == _PLAYBOOKS:
            arn = f"arn:{partition}:lambda:{region}:{account}:playbook:{stem.partition('@')[0]}"
        try:
            return cls.parse(arn)
        except InvalidTargetError:
            return None

    @property
    def name(self) -> str:
        """What people type to mean it."""
        function = "" if self.playbook else self.function
        return ":".join(part for part in (function, self.alias.partition("@")[0]) if part)

    @property
    def queue(self) -> bool:
        """Whether it is a queue's."""
        return not self.function

    @property
    def playbook(self) -> bool:
        """Whether it is a playbook's."""
        return self.function == _PLAYBOOKS

    def directory(self, home: Path) -> Path:
        """The directory of the function's journals, or of all queues', or of all playbooks'."""
        return home / "journal" / self.account / self.region / (self.function or _QUEUES)

    def file(self, home: Path, suffix: str) -> Path:
        """The journal, or a file beside it."""
        return self.directory(home) / f"{self.alias or _NO_ALIAS}{suffix}"
