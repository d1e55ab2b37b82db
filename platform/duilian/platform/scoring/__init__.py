"""Answers → serving → judgements → competency scores; owns refusal."""
