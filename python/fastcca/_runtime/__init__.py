"""Modules, places, threads and memory: the only room that imports the compiled modules."""
