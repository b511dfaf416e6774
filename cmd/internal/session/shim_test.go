package session

import "testing"

// A path that the code page of the console may not have is written without its name.
func TestShimTexts(t *testing.T) {
	none := func(string) string { return "" }
	for _, test := range []struct {
		name, shim, self string
		variables        map[string]string
		short            string
		want             string
	}{
		{"plain", `C:\bin\aws.cmd`, `C:\Program Files\ssmguard.exe`, nil, "", "@\"C:\\Program Files\\ssmguard.exe\" aws %*\r\n"},
		{"a percent sign", `C:\bin\aws.cmd`, `C:\100%\ssmguard.exe`, nil, "", "@\"C:\\100%%\\ssmguard.exe\" aws %*\r\n"},
		{"the user's name", `D:\bin\aws.cmd`, `C:\Users\Jürgen\bin\ssmguard.exe`, map[string]string{"USERPROFILE": `C:\Users\Jürgen`}, "",
			"@\"%USERPROFILE%\\bin\\ssmguard.exe\" aws %*\r\n"},
		{"below local data", `D:\bin\aws.cmd`, `C:\Users\Jürgen\AppData\Local\x\ssmguard.exe`,
			map[string]string{"USERPROFILE": `C:\Users\Jürgen`, "LOCALAPPDATA": `c:\users\jürgen\AppData\Local\`}, "", "@\"%LOCALAPPDATA%\\x\\ssmguard.exe\" aws %*\r\n"},
		{"beside it", `D:\Büro\aws.cmd`, `D:\Büro\bin\ssmguard.exe`, nil, "", "@\"%~dp0bin\\ssmguard.exe\" aws %*\r\n"},
		{"a short name", `C:\bin\aws.cmd`, `D:\Büro\ssmguard.exe`, nil, `D:\BRO~1\SSMGUARD.EXE`, "@\"D:\\BRO~1\\SSMGUARD.EXE\" aws %*\r\n"},
		{"another user's name", `C:\bin\aws.cmd`, `C:\Users\Jürgens\ssmguard.exe`, map[string]string{"USERPROFILE": `C:\Users\Jürgen`}, "", ""},
		{"no form", `C:\bin\aws.cmd`, `D:\Büro\ssmguard.exe`, nil, `D:\Büro\ssmguard.exe`, ""},
	} {
		s := shim{name: test.shim, self: test.self, short: none, get: func(name string) (string, bool) {
			value, ok := test.variables[name]
			return value, ok
		}}
		if test.short != "" {
			s.short = func(string) string { return test.short }
		}
		got := ""
		if all := s.texts(); len(all) > 0 {
			got = all[0]
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if got != "" && !s.isOurs(got) || s.isOurs("@\"C:\\other.exe\" aws %*\r\n") || !s.isOurs("@\""+test.self+"\" aws %*\r\n") {
			t.Errorf("%s: what is ours is not known", test.name)
		}
	}
}
