"""The checks of tools/check_cuda.py that need a GPU and no test runner."""
