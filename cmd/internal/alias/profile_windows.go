package alias

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// powershellProfiles are the files that PowerShell 7 and Windows PowerShell 5 read at
// their start. The documents folder may have moved, for example to OneDrive.
func powershellProfiles(home, _ string) []string {
	documents, err := windows.KnownFolderPath(windows.FOLDERID_Documents, windows.KF_FLAG_DEFAULT)
	if err != nil {
		documents = filepath.Join(home, "Documents")
	}
	return []string{filepath.Join(documents, "PowerShell", "profile.ps1"), filepath.Join(documents, "WindowsPowerShell", "profile.ps1")}
}
