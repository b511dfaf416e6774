package policy

import (
	"strings"
	"unicode/utf8"

	"ssmguard/guard/policy/automata"
)

// glob is a pattern of the policy language: text in which star stands for any
// run of characters and quest for any one. Patterns as written use '*' and '?';
// patterns with substituted variables use two bytes that no text contains, so
// that a '*' inside a value stays literal.
type glob struct {
	text        string
	star, quest byte
	free        int  // from this index on, wildcards match colons too
	crossing    bool // before free, a star that ends a segment matches colons too
}

const (
	rawStar, rawQuest   = '*', '?'
	safeStar, safeQuest = automata.Star, automata.Quest // never part of UTF-8
)

// Wild reports whether a text matches a pattern in which "*" stands for any run of
// characters and "?" for any one.
func Wild(pattern, text string) bool {
	g := glob{text: pattern, star: rawStar, quest: rawQuest}
	return g.match(text, 0)
}

// match reports whether s matches. The first fold bytes of s are compared
// without regard to ASCII case.
//
// Before free two kinds of star need two points to go back to: one that may not
// pass a colon, and behind it one that may. From free on, matchTail is linear.
func (g *glob) match(s string, fold int) bool {
	p, i, j := g.text, 0, 0
	bounded, boundedAt := -1, 0 // last star that stops at colons, and how far it reached
	open, openAt := -1, 0       // last star that passes colons
	for {
		if i >= g.free && j >= fold {
			if g.matchTail(p[i:], s[j:]) {
				return true
			}
		} else if i < len(p) {
			switch c := p[i]; {
			case c == g.star && g.passesColon(i):
				open, openAt, bounded = i, j, -1
				i++
				continue
			case c == g.star:
				bounded, boundedAt = i, j
				i++
				continue
			case c == g.quest && j < len(s) && (i >= g.free || s[j] != ':'):
				i++
				j += runeLen(s[j:])
				continue
			case j < len(s) && (c == s[j] && c != g.quest || j < fold && lower(c) == lower(s[j])):
				i++
				j++
				continue
			}
		} else if j == len(s) {
			return true
		}
		switch {
		case bounded >= 0 && boundedAt < len(s) && s[boundedAt] != ':':
			boundedAt += runeLen(s[boundedAt:])
			i, j = bounded+1, boundedAt
		case open >= 0 && openAt < len(s):
			openAt += runeLen(s[openAt:])
			i, j, bounded = open+1, openAt, -1
		default:
			return false
		}
	}
}

// passesColon reports whether the star at i matches beyond colons: everywhere
// from free on, and before it when it ends a segment and g.crossing allows.
func (g *glob) passesColon(i int) bool {
	return i >= g.free || g.crossing && (i+1 == len(g.text) || g.text[i+1] == ':')
}

// matchTail matches where every wildcard is unbounded and case counts. Between
// two stars the leftmost place of a piece is always right, so nothing is tried
// twice.
func (g *glob) matchTail(p, s string) bool {
	next := strings.IndexByte(p, g.star)
	if next < 0 {
		n := g.piece(p, s)
		return n == len(s)
	}
	n := g.piece(p[:next], s)
	if n < 0 {
		return false
	}
	s = s[n:]
	for {
		p = p[next+1:]
		if next = strings.IndexByte(p, g.star); next < 0 {
			return g.hasSuffix(s, p)
		}
		at, n := g.index(s, p[:next])
		if at < 0 {
			return false
		}
		s = s[at+n:]
	}
}

// piece matches a starless piece at the beginning of s and returns the length
// of what it matched, or -1.
func (g *glob) piece(p, s string) int {
	if strings.IndexByte(p, g.quest) < 0 {
		if strings.HasPrefix(s, p) {
			return len(p)
		}
		return -1
	}
	j := 0
	for i := 0; i < len(p); i++ {
		switch {
		case j >= len(s):
			return -1
		case p[i] == g.quest:
			j += runeLen(s[j:])
		case p[i] != s[j]:
			return -1
		default:
			j++
		}
	}
	return j
}

// index finds the leftmost place of a starless piece in s.
func (g *glob) index(s, p string) (at, n int) {
	if strings.IndexByte(p, g.quest) < 0 {
		return strings.Index(s, p), len(p)
	}
	if len(p)*len(s) > naiveLimit && ascii(s) {
		return g.indexBits(s, p), len(p)
	}
	for at = 0; at <= len(s); {
		if n = g.piece(p, s[at:]); n >= 0 {
			return at, n
		}
		if at == len(s) {
			break
		}
		at += runeLen(s[at:])
	}
	return -1, 0
}

// naiveLimit is the product of lengths up to which trying every place is faster.
const naiveLimit = 1 << 13

// indexBits is index for long pieces with question marks in ASCII text: all
// places are tried at once, a bit for each prefix of the piece that ends here.
func (g *glob) indexBits(s, p string) int {
	words := (len(p) + 63) / 64
	masks := make([]uint64, 128*words) // for each character, where it may stand in the piece
	for i := range len(p) {
		from, to := int(p[i]), int(p[i])+1
		if p[i] == g.quest {
			from, to = 0, 128
		} else if from >= utf8.RuneSelf {
			return -1
		}
		for c := from; c < to; c++ {
			masks[c*words+i/64] |= 1 << (i % 64)
		}
	}
	state := make([]uint64, words)
	last := uint64(1) << ((len(p) - 1) % 64)
	for j := range len(s) {
		carry := uint64(1)
		for w, mask := range masks[int(s[j])*words : (int(s[j])+1)*words] {
			next := (state[w]<<1 | carry) & mask
			carry, state[w] = state[w]>>63, next
		}
		if state[words-1]&last != 0 {
			return j - len(p) + 1
		}
	}
	return -1
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// hasSuffix reports whether s ends in the starless piece p.
func (g *glob) hasSuffix(s, p string) bool {
	if strings.IndexByte(p, g.quest) < 0 {
		return strings.HasSuffix(s, p)
	}
	// a piece with n characters can only match the last n characters
	at := len(s)
	for range utf8.RuneCountInString(p) {
		if at == 0 {
			return false
		}
		_, n := utf8.DecodeLastRuneInString(s[:at])
		at -= n
	}
	return g.piece(p, s[at:]) == len(s)-at
}

func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// afterColons returns the index behind the nth colon of s, len(s)+1 when s has
// fewer.
func afterColons(s string, n int) int {
	at := 0
	for range n {
		i := strings.IndexByte(s[at:], ':')
		if i < 0 {
			return len(s) + 1
		}
		at += i + 1
	}
	return at
}
