package scalar

import (
	"encoding/base64"
	"strings"
)

// Domain is what the values of a condition key are, and so how they are meant to be
// compared.
type Domain uint8

// The domains.
const (
	Texts Domain = iota
	Bools
	Numbers
	Dates
	Addresses
)

// List returns all values of the domain, nil when they are many.
func (d Domain) List() []string {
	if d == Bools {
		return []string{"true", "false"}
	}
	return nil
}

// Has reports whether a text is a value of the domain.
func (d Domain) Has(text string) bool {
	switch d {
	case Numbers:
		return Number(text).Kind != None
	case Dates:
		return Date(text).Kind != None
	case Addresses:
		return IP(text).Kind != None && !strings.Contains(text, "/")
	}
	return true
}

// SameBinary compares two values in base64. Values that are not base64 match
// when they are the same text.
func SameBinary(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := base64.StdEncoding.DecodeString(a)
	y, errY := base64.StdEncoding.DecodeString(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
