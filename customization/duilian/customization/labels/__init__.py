"""Labelled answers (标注): imported history, people's ratings of answers, and what became of those who were hired."""
