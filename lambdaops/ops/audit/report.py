"""A report of a time span, from all journals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.arns import resource_name
from lambdaops.core.audit.query import is_of, no_journal
from lambdaops.core.audit.report import Report
from lambdaops.core.audit.report import report as fold

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.ports import Journals


def report(journals: Journals, function: str, since: datetime, until: datetime) -> Report:
    """What was changed; ``function`` is a function's name, FUNCTION:ALIAS or an ARN, empty for all.

    Raises:
        NotFoundError: no journal is of that function: a report of nothing would say that nothing was done.
        JournalTamperedError, InvalidFileError, JournalUnreachableError: a journal cannot be used: a report without it
            would say too little.
    """
    known = [arn for arn in journals.targets() if ":function:" in arn]
    if function and not any(is_of(arn, function) for arn in known):
        raise no_journal(function, known)
    found = [arn for arn in known if _is_meant(arn, function)]
    return fold((journals.open(arn).read().entries for arn in found), since, until)


def _is_meant(arn: str, function: str) -> bool:
    """Whether a journal is one of the function's: its alias's, or its own, where publications are."""
    return is_of(arn, function) or function.rpartition(":")[0] in (arn, resource_name(arn))
