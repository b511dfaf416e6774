package report

import (
	"io"
	"strings"

	"ssmguard/internal/safetext"
)

// htmlPage writes a page that is one file: no script but one that the page's policy names, nothing
// that is fetched, dark or light as the reader's system is, readable on a phone.
type htmlPage struct {
	w   io.Writer
	err error // the first of the writer
}

// htmlText writes a text so that HTML takes nothing in it for its own.
var htmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// f writes HTML of ours with texts of others in it.
func (p *htmlPage) f(format string, texts ...string) {
	args := make([]any, len(texts))
	for i, text := range texts {
		args[i] = safetext.Own(htmlText.Replace(safetext.Text(text)))
	}
	if p.err == nil {
		_, p.err = safetext.Fprintf(p.w, format, args...)
	}
}

// The colours have a contrast of 4.5 to 1 and more with what is behind them, dark and light.
const htmlHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'%s">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>%s</title>
<style>
:root { color-scheme: light dark; --back: #fff; --text: #1c2024; --quiet: #55606b; --line: #c9d1d9; --box: #f3f5f7; --bad: #b3151f; --good: #12692f; --open: #7a5200; }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --text: #e6e9ec; --quiet: #a4afb9; --line: #3d464f; --box: #1f2428; --bad: #ff8f8f; --good: #7ddc98; --open: #f0c060; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 1rem; }
h2 { font-size: 1.1rem; line-height: 1.4; margin: 2rem 0 .5rem; }
pre, code { font: .875rem/1.5 ui-monospace, monospace; }
pre { margin: .5rem 0; padding: .75rem; background: var(--box); border: 1px solid var(--line); border-radius: .25rem; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: minmax(5rem, max-content) 1fr; gap: .25rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); } dd { margin: 0; }
table { border-collapse: collapse; width: 100%%; }
caption { text-align: left; color: var(--quiet); padding-bottom: .25rem; }
th, td { border: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top; font-weight: normal; }
thead th { background: var(--box); }
.bad { color: var(--bad); } .good { color: var(--good); } .open { color: var(--open); }
.quiet { color: var(--quiet); }
.wrong { outline: 3px solid var(--bad); outline-offset: -3px; }
b, h1, h2 { font-weight: 650; }
ul { padding-left: 1.2rem; margin: .25rem 0; }
ul.rows { list-style: none; padding: 0; }
details { margin: .5rem 0; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: .25rem; }
summary { cursor: pointer; padding: .25rem 0; }
input { max-width: 100%%; padding: .25rem .5rem; font: inherit; color: var(--text); background: var(--back); border: 1px solid var(--quiet); border-radius: .25rem; }
a { color: inherit; }
[hidden] { display: none !important; }
mark { background: #ffe08a; color: #1c2024; }
.apart { --good: #0a58a8; --bad: #a34700; --open: #6b4fa0; }
@media (prefers-color-scheme: dark) { .apart { --good: #7db8ff; --bad: #ffab70; --open: #c9a8ff; } }
.word { white-space: nowrap; }
@media (max-width: 45rem) {
 table, tbody, tr, th, td { display: block; border: 0; padding: .1rem 0; } thead { display: none; }
 caption { display: block; }
 tr { border: 1px solid var(--line); border-radius: .25rem; padding: .5rem .75rem; margin: 0 0 .75rem; }
 td[data-of]::before { content: attr(data-of); display: block; color: var(--quiet); font-size: .875rem; }
 td.none { display: none; }
 .word { white-space: normal; }
 dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
}
@media print { pre, tr { page-break-inside: avoid; } .search { display: none; } }
</style>
</head>
<body>
<main>
`

// begin writes what is above the content.
func (p *htmlPage) begin(title string) { p.f(htmlHead, "", title) }

// scripted is begin for a page with one script, whose SHA-256 is in base64.
func (p *htmlPage) scripted(title, hash string) {
	p.f(htmlHead, "; script-src 'sha256-"+hash+"'", title)
}

// end writes what is below the content.
func (p *htmlPage) end() error {
	p.f("</main>\n</body>\n</html>\n")
	return p.err
}
