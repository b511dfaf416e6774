function aws {
    # A list without quotes, a=1,b=2, arrives as an array: make it one word again.
    $words = @($args | ForEach-Object { if ($_ -is [array]) { $_ -join ',' } else { $_ } })
    $line = " $($words -join ' ') "
    if ($line -like '* ssm *start-session *' -or $line -like '* ecs *execute-command *') {
        $program = @program@
        $words = @('aws') + $words
    } else {
        $program = Get-Command -CommandType Application aws | Select-Object -First 1
    }
    if ($MyInvocation.ExpectingInput) { $input | & $program @words } else { & $program @words }
}
