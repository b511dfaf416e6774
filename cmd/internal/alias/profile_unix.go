//go:build unix

package alias

import "path/filepath"

// powershellProfiles are the files that PowerShell reads at its start.
func powershellProfiles(_, config string) []string {
	return []string{filepath.Join(config, "powershell", "profile.ps1")}
}
