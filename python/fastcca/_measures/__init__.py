"""One file for each measure: the public function, its options, its result."""
