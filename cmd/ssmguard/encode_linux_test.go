package main

import (
	"encoding/binary"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"
)

// encode writes files as the tools of Windows do: with its line ends, with a byte order
// mark, or, as the > of Windows PowerShell, in UTF-16.
func encode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: encode utf16le|utf16be|bom|crlf FILE...")
	}
	for _, name := range args[1:] {
		text := strings.ReplaceAll(ts.ReadFile(name), "\n", "\r\n")
		var data []byte
		order := binary.AppendByteOrder(binary.LittleEndian)
		switch args[0] {
		case "crlf":
			data = []byte(text)
		case "bom":
			data = []byte("\uFEFF" + text)
		case "utf16be":
			order = binary.BigEndian
			fallthrough
		case "utf16le":
			for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
				data = order.AppendUint16(data, unit)
			}
		default:
			ts.Fatalf("unknown form %s", args[0])
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600))
	}
}
