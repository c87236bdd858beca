
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'bmpctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'bmpctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'bmpctl' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Reset BMP sessions')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Apply the configuration file: what is new begins, what is gone ends')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show sessions and neighbors')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions: apply the configured parameters, connect again, send everything again')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'The same in the grammar of the router''s manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;session' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one for `all`]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--stagger', '--stagger', [CompletionResultType]::ParameterName, 'Reset `all` one after another with this time between two, such as 500ms, 2s or 1m')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;reset;bmp' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;bmp;session' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'bmpctl;reset;bmp;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;bmp;help;session' {
            break
        }
        'bmpctl;reset;bmp;help;help' {
            break
        }
        'bmpctl;reset;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions: apply the configured parameters, connect again, send everything again')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'The same in the grammar of the router''s manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;help;session' {
            break
        }
        'bmpctl;reset;help;bmp' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME')
            break
        }
        'bmpctl;reset;help;bmp;session' {
            break
        }
        'bmpctl;reset;help;help' {
            break
        }
        'bmpctl;reload' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done, and do nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions: a table, or the page of one session')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Show BGP neighbors')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;show;session' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one without]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every detail of each session')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every detail of each session')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON: times are milliseconds')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'bmpctl;show;neighbor' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON: times are milliseconds')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'bmpctl;show;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions: a table, or the page of one session')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Show BGP neighbors')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;show;help;session' {
            break
        }
        'bmpctl;show;help;neighbor' {
            break
        }
        'bmpctl;show;help;help' {
            break
        }
        'bmpctl;help' {
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Reset BMP sessions')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Apply the configuration file: what is new begins, what is gone ends')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show sessions and neighbors')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;help;reset' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions: apply the configured parameters, connect again, send everything again')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'The same in the grammar of the router''s manual')
            break
        }
        'bmpctl;help;reset;session' {
            break
        }
        'bmpctl;help;reset;bmp' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME')
            break
        }
        'bmpctl;help;reset;bmp;session' {
            break
        }
        'bmpctl;help;reload' {
            break
        }
        'bmpctl;help;show' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions: a table, or the page of one session')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Show BGP neighbors')
            break
        }
        'bmpctl;help;show;session' {
            break
        }
        'bmpctl;help;show;neighbor' {
            break
        }
        'bmpctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
