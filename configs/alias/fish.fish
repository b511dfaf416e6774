function aws --wraps aws
    if string match -q -- '* ssm *start-session *' " $argv "; or string match -q -- '* ecs *execute-command *' " $argv "
        command @program@ aws $argv
    else
        command aws $argv
    end
end
