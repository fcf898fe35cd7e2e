"""The audit log as evidence: checkpoints, anchors, and what an auditor asks for."""
