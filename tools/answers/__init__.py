"""Answers of many calls, to be compared before and after a change that must not change any."""
