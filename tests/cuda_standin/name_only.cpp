// Nothing: a library that exists for its name, see CMakeLists.txt.
