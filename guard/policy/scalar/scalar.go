package scalar

import (
	"cmp"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Value is a number, a date, an address or a prefix, ready to be compared.
type Value struct {
	Kind   Kind
	Bits   uint8  // of a prefix: its length
	Hi, Lo uint64 // number: float bits, integer; date: seconds, nanoseconds; address: its 16 bytes
}

// Kind is what a text was read as.
type Kind uint8

// The kinds of value.
const (
	None    Kind = iota // the text is none of them
	Integer             // Lo holds the exact integer, Hi the float
	Decimal             // Hi holds the float
	Instant
	IPv4
	IPv6
)

// Number reads an integer or a decimal number.
func Number(s string) Value {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) }) {
		return Value{}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Value{}
	}
	if strings.ContainsAny(s, ".eE") {
		return Value{Kind: Decimal, Hi: math.Float64bits(f)}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Value{Kind: Integer, Hi: math.Float64bits(f), Lo: uint64(n)}
	}
	return Value{Kind: Decimal, Hi: math.Float64bits(f)}
}

// Compare returns -1, 0 or 1 for two numbers or two dates; integers are compared exactly.
func Compare(a, b Value) int {
	switch {
	case a.Kind == Integer && b.Kind == Integer:
		return cmp.Compare(int64(a.Lo), int64(b.Lo))
	case a.Kind == Instant:
		return cmp.Or(cmp.Compare(int64(a.Hi), int64(b.Hi)), cmp.Compare(a.Lo, b.Lo))
	}
	return cmp.Compare(math.Float64frombits(a.Hi), math.Float64frombits(b.Hi))
}

// Date reads epoch seconds or one of the forms of ISO 8601 that IAM knows:
// year, year-month, a day, or a day with hours, minutes, seconds and fractions,
// "T" in either case, "Z", an offset or nothing for UTC.
func Date(s string) Value {
	if digits, negative := strings.CutPrefix(s, "-"); Digits(digits) {
		epoch, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err != nil:
			return Value{}
		case negative:
			return yearOnly(epoch)
		}
		return Value{Kind: Instant, Hi: uint64(epoch)}
	}
	if whole, frac, ok := strings.Cut(s, "."); ok && Digits(whole) && Digits(frac) {
		return epochSeconds(whole, frac)
	}
	return parseISO(s)
}

// yearOnly is the first instant of a year before year 0.
func yearOnly(year int64) Value {
	if year < -292275054 {
		return Value{}
	}
	return Value{Kind: Instant, Hi: uint64(time.Date(int(year), 1, 1, 0, 0, 0, 0, time.UTC).Unix())}
}

// Digits reports whether a text is made of digits.
func Digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// epochSeconds builds an instant from epoch seconds and their fraction.
func epochSeconds(seconds, fraction string) Value {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Value{}
	}
	return Value{Kind: Instant, Hi: uint64(n), Lo: nanoseconds(fraction)}
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

func parseISO(s string) Value {
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
		return Value{}
	}
	return Value{Kind: Instant, Hi: uint64(at.Unix() - int64(offset)), Lo: nanos}
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

// IP reads an address, or a prefix in CIDR form.
func IP(s string) Value {
	text, length, cidr := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return Value{}
	}
	v := Value{Kind: IPv6, Bits: 128}
	b := addr.As16()
	for i := range 8 {
		v.Hi = v.Hi<<8 | uint64(b[i])
		v.Lo = v.Lo<<8 | uint64(b[i+8])
	}
	if addr.Is4() {
		v.Kind, v.Bits = IPv4, 32
	}
	if cidr {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || uint8(n) > v.Bits || length[0] == '+' {
			return Value{}
		}
		v.Bits = uint8(n)
	}
	return v
}

// Contains reports whether the prefix p covers the address a.
func (p Value) Contains(a Value) bool {
	if p.Kind != a.Kind || a.Kind < IPv4 {
		return false
	}
	length := uint(p.Bits)
	if p.Kind == IPv4 {
		length += 96
	}
	if length <= 64 {
		return (p.Hi^a.Hi)&^lowBits(64-length) == 0
	}
	return p.Hi == a.Hi && (p.Lo^a.Lo)&^lowBits(128-length) == 0
}

// lowBits is a mask of the n lowest bits.
func lowBits(n uint) uint64 {
	if n >= 64 {
		return math.MaxUint64
	}
	return 1<<n - 1
}
