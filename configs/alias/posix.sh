aws() {
	case " $* " in
	*" ssm "*"start-session "*) command ssmguard aws "$@" ;;
	*) command aws "$@" ;;
	esac
}
