aws() {
	case " $* " in
	*" ssm "*"start-session "* | *" ecs "*"execute-command "*) command ssmguard aws "$@" ;;
	*) command aws "$@" ;;
	esac
}
