package tunnel

import (
	"errors"
	"os"
)

// redirect says that background tunnels are not for Windows.
func redirect(any, any, any, *os.File) error {
	return errors.New("background tunnels are not available on Windows")
}
