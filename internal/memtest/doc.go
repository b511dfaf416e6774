// Package memtest bounds the memory of code under test by the size of what it reads: what others
// write may be large, and may not be made large by reading it. Tests import it, and fuzz targets
// above all; start at Bounded.
package memtest
