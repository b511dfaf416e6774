package cli

// Exit codes are the AWS CLI v2's, so that scripts keep working; see cli-parity, section 3.
const (
	exitOK          = 0
	exitInterrupt   = 130 // SIGINT
	exitUsage       = 252 // the command line is wrong
	exitConfig      = 253 // environment, credentials or configuration
	exitRefused     = 254 // AWS or the guard said no
	exitOther       = 255
	exitCheckDenied = 3 // check only
	exitUndecided   = 4 // check only
)
