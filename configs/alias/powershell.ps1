function aws {
    # A list without quotes, a=1,b=2, arrives as an array: make it one word again.
    $words = @($args | ForEach-Object { if ($_ -is [array]) { $_ -join ',' } else { $_ } })
    $name = 'aws'
    if (" $($words -join ' ') " -like '* ssm *start-session *') {
        $name = 'ssmguard'
        $words = @('aws') + $words
    }
    $program = Get-Command -CommandType Application $name | Select-Object -First 1
    if ($MyInvocation.ExpectingInput) { $input | & $program @words } else { & $program @words }
}
