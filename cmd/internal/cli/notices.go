package cli

import _ "embed"

// notices are the licences and notices of everything that the program is linked from, on
// any platform: each text once, after the names of those that come with it. Their licences
// ask that whoever gets the program gets them. TestNotices holds and writes the file.
//
//go:embed NOTICES
var notices string
