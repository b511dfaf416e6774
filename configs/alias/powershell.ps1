function aws {
    if (" $($args -join ' ') " -like '* ssm *start-session *') {
        & (Get-Command -CommandType Application ssmguard | Select-Object -First 1) aws @args
    } else {
        & (Get-Command -CommandType Application aws | Select-Object -First 1) @args
    }
}
