package policy

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// scalar is a value of the Numeric, Date and IP families, ready to be compared.
type scalar struct {
	kind   scalarKind
	bits   uint8  // IP: length of the prefix
	hi, lo uint64 // number: float bits, integer; date: seconds, nanoseconds; IP: address
}

type scalarKind uint8

const (
	noScalar scalarKind = iota // the text is none of them
	integer                    // lo holds the exact integer, hi the float
	decimal                    // hi holds the float
	instant
	ipv4
	ipv6
)

// parseNumber reads an integer or decimal number.
func parseNumber(s string) scalar {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) }) {
		return scalar{}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return scalar{}
	}
	if strings.ContainsAny(s, ".eE") {
		return scalar{kind: decimal, hi: math.Float64bits(f)}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return scalar{kind: integer, hi: math.Float64bits(f), lo: uint64(n)}
	}
	return scalar{kind: decimal, hi: math.Float64bits(f)}
}

// compareNumbers returns -1, 0 or 1; integers are compared exactly.
func compareNumbers(a, b scalar) int {
	if a.kind == integer && b.kind == integer {
		return order(int64(a.lo), int64(b.lo))
	}
	return order(math.Float64frombits(a.hi), math.Float64frombits(b.hi))
}

func order[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseDate reads epoch seconds or one of the forms of ISO 8601 that IAM knows:
// year, year-month, a day, or a day with hours, minutes, seconds and fractions,
// "T" in either case, "Z", an offset or nothing for UTC.
func parseDate(s string) scalar {
	if digits, negative := strings.CutPrefix(s, "-"); digitsOnly(digits) {
		epoch, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err != nil:
			return scalar{}
		case negative:
			return yearOnly(epoch)
		}
		return scalar{kind: instant, hi: uint64(epoch)}
	}
	if whole, frac, ok := strings.Cut(s, "."); ok && digitsOnly(whole) && digitsOnly(frac) {
		return date(whole, frac)
	}
	return parseISO(s)
}

// yearOnly is the first instant of a year before year 0.
func yearOnly(year int64) scalar {
	if year < -292275054 {
		return scalar{}
	}
	return scalar{kind: instant, hi: uint64(time.Date(int(year), 1, 1, 0, 0, 0, 0, time.UTC).Unix())}
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// date builds an instant from epoch seconds and their fraction.
func date(seconds, fraction string) scalar {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return scalar{}
	}
	return scalar{kind: instant, hi: uint64(n), lo: nanoseconds(fraction)}
}

// nanoseconds reads the digits behind a decimal point.
func nanoseconds(fraction string) uint64 {
	var n uint64
	for i := range 9 {
		n *= 10
		if i < len(fraction) {
			n += uint64(fraction[i] - '0')
		}
	}
	return n
}

// dateReader takes numbers off the front of a date.
type dateReader struct {
	rest string
	bad  bool
}

// number reads between one and width digits within limits.
func (d *dateReader) number(width, low, high int) int {
	n := 0
	for n < width && n < len(d.rest) && d.rest[n] >= '0' && d.rest[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(d.rest[:n])
	if err != nil || v < low || v > high {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// skip consumes one of the characters of set.
func (d *dateReader) skip(set string) bool {
	if d.rest != "" && strings.IndexByte(set, d.rest[0]) >= 0 {
		d.rest = d.rest[1:]
		return true
	}
	return false
}

func parseISO(s string) scalar {
	d := dateReader{rest: s}
	month, day := 1, 1
	year := d.number(9, 0, 292278993)
	if d.skip("-") {
		month = d.number(2, 1, 12)
		if d.skip("-") {
			day = d.number(2, 1, 31)
		}
	}
	var hour, minute, second, offset int
	var nanos uint64
	if d.skip("Tt") && d.rest != "" {
		hour = d.number(2, 0, 23)
		if d.skip(":") {
			minute = d.number(2, 0, 59)
		}
		if d.skip(":") {
			second = d.number(2, 0, 59)
			if d.skip(".") {
				nanos = d.fraction()
			}
		}
		offset = d.zone()
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if d.bad || d.rest != "" || at.Day() != day {
		return scalar{}
	}
	return scalar{kind: instant, hi: uint64(at.Unix() - int64(offset)), lo: nanos}
}

// fraction reads the digits behind the seconds' point.
func (d *dateReader) fraction() uint64 {
	n := 0
	for n < len(d.rest) && d.rest[n] >= '0' && d.rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 9 {
		d.bad = true
	}
	f := nanoseconds(d.rest[:n])
	d.rest = d.rest[n:]
	return f
}

// zone reads "Z", nothing, or an offset and returns its seconds east of UTC.
func (d *dateReader) zone() int {
	if d.rest == "" || d.skip("Zz") {
		return 0
	}
	sign := 1
	if d.skip("-") {
		sign = -1
	} else if !d.skip("+") {
		d.bad = true
	}
	hours, minutes, _ := strings.Cut(d.rest, ":")
	if minutes == "" && len(hours) == 4 {
		hours, minutes = hours[:2], hours[2:]
	}
	if len(hours) != 2 || len(minutes) != 2 && minutes != "" {
		d.bad = true
		return 0
	}
	d.rest = hours
	seconds := d.number(2, 0, 23) * 3600
	if minutes != "" {
		d.rest += minutes
		seconds += d.number(2, 0, 59) * 60
	}
	return sign * seconds
}

func compareDates(a, b scalar) int {
	if c := order(int64(a.hi), int64(b.hi)); c != 0 {
		return c
	}
	return order(a.lo, b.lo)
}

// parseIP reads an address, or a prefix in CIDR form.
func parseIP(s string) scalar {
	text, length, cidr := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return scalar{}
	}
	v := scalar{kind: ipv6, bits: 128}
	b := addr.As16()
	for i := range 8 {
		v.hi = v.hi<<8 | uint64(b[i])
		v.lo = v.lo<<8 | uint64(b[i+8])
	}
	if addr.Is4() {
		v.kind, v.bits = ipv4, 32
	}
	if cidr {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || uint8(n) > v.bits || length[0] == '+' {
			return scalar{}
		}
		v.bits = uint8(n)
	}
	return v
}

// contains reports whether the prefix p covers the address a.
func (p scalar) contains(a scalar) bool {
	if p.kind != a.kind || a.kind < ipv4 {
		return false
	}
	length := uint(p.bits)
	if p.kind == ipv4 {
		length += 96
	}
	if length <= 64 {
		return (p.hi^a.hi)&^lowBits(64-length) == 0
	}
	return p.hi == a.hi && (p.lo^a.lo)&^lowBits(128-length) == 0
}

// lowBits is a mask of the n lowest bits.
func lowBits(n uint) uint64 {
	if n >= 64 {
		return math.MaxUint64
	}
	return 1<<n - 1
}
