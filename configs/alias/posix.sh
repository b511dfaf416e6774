aws() {
	case " $* " in
	*" ssm "*"start-session "* | *" ecs "*"execute-command "*) command @program@ aws "$@" ;;
	*) command aws "$@" ;;
	esac
}
