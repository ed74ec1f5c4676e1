"""The daily rhythm of one cage, from its minutes. Facts only: no drawing and no database."""
