package finding

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unwrap takes off a message what it was printed in: Terraform's box, quotation of
// Markdown and mail, JSON and Go strings in strings, XML and HTML entities, colours,
// percent-encoding, and lines that were broken, inside words too. It returns one line
// with single blanks and without anything that could move a cursor or turn the direction
// of text.
func unwrap(message string) string {
	message = plainText(message)
	for range maxNesting {
		inner := unescape(message)
		if inner == message {
			break
		}
		message = inner
	}
	return strings.Join(strings.Fields(joinLines(plainText(message))), " ")
}

// maxNesting is how often a string may be quoted in another.
const maxNesting = 4

// plainText leaves of a text what is printed: no colours, no control characters but the
// ends of lines, no marks of direction or of no width.
func plainText(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\x1b':
			n = escapeSequence(s[i:])
		case r == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case r == '\n', r == '\r', r == '\u2028', r == '\u2029', r == '\u0085':
			b.WriteByte('\n')
		case r == utf8.RuneError && n == 1, unicode.Is(unicode.Cf, r):
		case unicode.IsSpace(r), unicode.IsControl(r):
			b.WriteByte(' ')
		case unicode.IsGraphic(r):
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// escapeSequence is the length of a terminal's escape sequence of the form ESC [ ... letter.
func escapeSequence(s string) int {
	if len(s) < 2 || s[1] != '[' {
		return 1
	}
	for i := 2; i < len(s) && i < 32; i++ {
		if s[i] >= '@' && s[i] <= '~' {
			return i + 1
		}
	}
	return 2
}

// escapes are how the characters of a message are written inside a string, an XML or an
// HTML text, and what they stand for.
var escapes = strings.NewReplacer(
	`\\`, `\`, `\"`, `"`, `\'`, `'`, `\/`, `/`, `\n`, "\n", `\r`, "\n", `\t`, " ",
	`\u003c`, "<", `\u003C`, "<", `\u003e`, ">", `\u003E`, ">", `\u0026`, "&", `\u0027`, "'", `\u0022`, `"`, `\x1b`, "\x1b", `\u001b`, "\x1b", `\u001B`, "\x1b",
	"&quot;", `"`, "&#34;", `"`, "&apos;", "'", "&#39;", "'", "&#x27;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&", "&nbsp;", " ",
	"&#10;", "\n", "&#xA;", "\n", "<br>", "\n", "<br/>", "\n", "<br />", "\n",
	"<code>", "`", "</code>", "`", "<b>", "`", "</b>", "`", "<i>", "`", "</i>", "`", "<em>", "`", "</em>", "`", "<strong>", "`", "</strong>", "`",
	"<pre>", "\n", "</pre>", "\n", "<p>", "\n", "</p>", "\n", "<td>", "|", "</td>", "|",
)

func unescape(s string) string {
	if strings.Contains(s, "%") {
		s = percentDecoded(s)
	}
	if !strings.ContainsAny(s, `\&<`) {
		return s
	}
	return escapes.Replace(s)
}

// percentDecoded decodes the words of a text that are percent-encoded, as a message is in the
// address of a page or in a form: there a blank is %20 or +, a colon %3A, and & ends it.
func percentDecoded(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		words := strings.Split(line, " ")
		for k, word := range words {
			upper := strings.ToUpper(word)
			if slices.ContainsFunc(encodedMarks[:], func(mark string) bool { return strings.Contains(upper, mark) }) {
				words[k] = percentWord(word)
			}
		}
		lines[i] = strings.Join(words, " ")
	}
	return strings.Join(lines, "\n")
}

// encodedMarks are in every encoded message: a blank or a colon, encoded once or twice.
var encodedMarks = [...]string{"%20", "%3A", "%2520", "%253A"}

func percentWord(word string) string {
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == '%' && i+2 < len(word):
			code, err := strconv.ParseUint(word[i+1:i+3], 16, 8)
			if err != nil {
				b.WriteByte(c)
				continue
			}
			b.WriteByte(byte(code))
			i += 2
		case c == '+':
			b.WriteByte(' ')
		case c == '&':
			b.WriteByte('\n')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// joinLines joins lines: with a blank, and without one where a word was broken. Some
// terminals and forms break at a column whatever stands there; once one seam shows
// it, every line of that length was broken so.
func joinLines(s string) string {
	lines := strings.Split(s, "\n")
	widths := make([]int, len(lines))
	broken := make([]bool, len(lines)) // the line goes on in the next
	width, hard := 0, false
	for i, line := range lines {
		// What wraps lines pads none: blanks at the end are the program's.
		widths[i] = utf8.RuneCountInString(line)
		lines[i] = unbox(line)
		width = max(width, widths[i])
	}
	for i := 0; i+1 < len(lines); i++ {
		broken[i] = seam(lines[i], lines[i+1])
		hard = hard || broken[i] && widths[i] == width
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, line := range lines {
		b.WriteString(line)
		switch {
		case broken[i]:
		case hard && widths[i] == width && !strings.HasSuffix(line, " ") && (i+1 == len(lines) || !strings.HasPrefix(lines[i+1], " ")):
		default:
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// unbox takes off a line the box of Terraform, the quotation of Markdown and mail, what
// Terraform's local-exec puts before each line, and the end of a box.
func unbox(line string) string {
	rest := strings.TrimLeft(line, " ")
	for {
		r, n := utf8.DecodeRuneInString(rest)
		if !strings.ContainsRune("│╷╵┃║>|", r) || n == 0 {
			break
		}
		// One blank belongs to the frame, others to a broken line.
		rest = strings.TrimPrefix(rest[n:], " ")
		line = rest
		rest = strings.TrimLeft(rest, " ")
	}
	if before, after, ok := strings.Cut(line, " (local-exec): "); ok && !strings.Contains(before, " ") {
		line = after
	}
	if boxed := strings.TrimRight(line, " "); strings.HasSuffix(boxed, "│") || strings.HasSuffix(boxed, "┃") || strings.HasSuffix(boxed, "║") {
		return strings.TrimRight(boxed, "│┃║ ")
	}
	return line
}

// words are those of AWS's sentence; no other word ends or begins in two of them.
var words = map[string]bool{
	"error": true, "occurred": true, "AccessDeniedException": true, "UnauthorizedOperation": true, "when": true, "calling": true, "operation": true,
	"User": true, "authorized": true, "perform": true, "resource": true, "because": true, "identity-based": true, "resource-based": true,
	"policy": true, "allows": true, "action": true, "explicit": true, "service": true, "control": true, "permissions": true, "boundary": true,
	"session": true, "endpoint": true, "trust": true, "deny": true, "StartSession": true, "TerminateSession": true, "ResumeSession": true,
	"assumed-role": true, "document": true, "instance": true, "not": true, "with": true, "the": true,
}

// seam reports whether a word was broken between two lines.
func seam(line, next string) bool {
	if line == "" || next == "" || line[len(line)-1] == ' ' || next[0] == ' ' {
		return false
	}
	last := line[strings.LastIndexByte(line, ' ')+1:]
	first, rest, _ := strings.Cut(next, " ")
	if at := strings.LastIndex(last, "arn:"); at >= 0 {
		if strings.Count(last[at:], ":") < 5 || strings.IndexByte(":/", last[len(last)-1]) >= 0 && !strings.HasPrefix(first, "arn:") {
			return true
		}
		for _, landmark := range [...]string{"because no ", "with an explicit deny", "is not authorized to ", "on resource"} {
			if strings.HasPrefix(rest, landmark) {
				return first != "is" && first != "because"
			}
		}
	}
	end, begin := lastWord(last), firstWord(first)
	return end != "" && begin != "" && words[end+begin] && !(words[end] && words[begin])
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
}

func lastWord(s string) string {
	i := len(s)
	for i > 0 && wordByte(s[i-1]) {
		i--
	}
	return s[i:]
}

func firstWord(s string) string {
	i := 0
	for i < len(s) && wordByte(s[i]) {
		i++
	}
	return s[:i]
}
