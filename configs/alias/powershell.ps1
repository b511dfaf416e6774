function aws {
    # A list without quotes, a=1,b=2, arrives as an array: make it one word again.
    $words = @($args | ForEach-Object { if ($_ -is [array]) { $_ -join ',' } else { $_ } })
    $name = 'aws'
    $line = " $($words -join ' ') "
    if ($line -like '* ssm *start-session *' -or $line -like '* ecs *execute-command *') {
        $name = 'ssmguard'
        $words = @('aws') + $words
    }
    $program = Get-Command -CommandType Application $name | Select-Object -First 1
    if ($MyInvocation.ExpectingInput) { $input | & $program @words } else { & $program @words }
}
