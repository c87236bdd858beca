
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
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, the BMP connections of routers, or publishers')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Apply the configuration file: add, change and remove what differs from what runs')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show sessions, routers, publishers, neighbors, events, VPN instances, the configuration, bmpd itself')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Find out what keeps a session, a neighbor or a router from coming up')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until sessions are synchronised, up or down')
            [CompletionResult]::new('monitor', 'monitor', [CompletionResultType]::ParameterValue, 'Print what happens as it happens: changes of sessions, routers, neighbors, publishers; commands, reloads')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Check a configuration file, or look up what a key of it means')
            [CompletionResult]::new('clear', 'clear', [CompletionResultType]::ParameterValue, 'Reset counters')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Show or set how much bmpd logs')
            [CompletionResult]::new('display', 'display', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions: apply the configured parameters, connect again, send everything again')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Reset the BMP connections of routers: each sends everything anew')
            [CompletionResult]::new('publisher', 'publisher', [CompletionResultType]::ParameterValue, 'Reset publishers: apply the configured parameters, and publish everything again')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;session' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one for `all`]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only sessions in this state; several are separated by commas')
            [CompletionResult]::new('--not-synchronised', '--not-synchronised', [CompletionResultType]::ParameterName, 'Only sessions that have not been synchronised for this long, 0s to 24h [default: 0s]')
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Only the leg that carries this router [default: every leg of a session]')
            [CompletionResult]::new('--stagger', '--stagger', [CompletionResultType]::ParameterName, 'Reset one after another with this time between two, 1ms to 60m [default: all at once]')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until every session is synchronised, at most this long after the last reset, 1ms to 24h [default: 5m]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only sessions with parameters that wait for a reset')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what a reset would do, and do nothing')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Ask before anything is done')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;reset;router' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;reset;publisher' {
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Only what is published of this router [default: every router]')
            [CompletionResult]::new('--stagger', '--stagger', [CompletionResultType]::ParameterName, 'Reset one after another with this time between two, 1ms to 60m [default: all at once]')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until every publisher is synchronised, at most this long after the last reset, 1ms to 24h [default: 5m]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what a reset would do, and do nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;reset;bmp' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;bmp;session' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;reset;bmp;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
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
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Reset the BMP connections of routers: each sends everything anew')
            [CompletionResult]::new('publisher', 'publisher', [CompletionResultType]::ParameterValue, 'Reset publishers: apply the configured parameters, and publish everything again')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;reset;help;session' {
            break
        }
        'bmpctl;reset;help;router' {
            break
        }
        'bmpctl;reset;help;publisher' {
            break
        }
        'bmpctl;reset;help;bmp' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
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
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done, and do nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions: a table, or the page of one session')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Show monitored routers: a table, or the page of one router')
            [CompletionResult]::new('publisher', 'publisher', [CompletionResultType]::ParameterValue, 'Show publishers: a table, or the page of one publisher')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Show BGP neighbors: a table, or the page of one neighbor')
            [CompletionResult]::new('route', 'route', [CompletionResultType]::ParameterValue, 'Show routes: what the tables have, all of it or for one prefix')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Show what has happened: changes of sessions, routers, neighbors, publishers; commands, reloads')
            [CompletionResult]::new('vpn-instance', 'vpn-instance', [CompletionResultType]::ParameterValue, 'Show VPN instances: what they stand for, and what is in them')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the configuration in effect, with defaults filled in and keys masked')
            [CompletionResult]::new('statistics', 'statistics', [CompletionResultType]::ParameterValue, 'Show what sessions have counted over all of their connections: a table, or the page of one session')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show bmpd itself: version, uptime, memory, routes, sessions by state')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Show the versions of bmpctl and bmpd')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;show;session' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one without]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only sessions in this state; several are separated by commas')
            [CompletionResult]::new('--not-synchronised', '--not-synchronised', [CompletionResultType]::ParameterName, 'Only sessions that have not been synchronised for this long, 0s to 24h [default: 0s]')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only sessions with parameters that wait for a reset')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every detail of each session')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every detail of each session')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Fail with exit code 6 unless every one of them is synchronised')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;router' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;publisher' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;neighbor' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'Only neighbors of this VPN instance')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every detail of each neighbor')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every detail of each neighbor')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;route' {
            [CompletionResult]::new('--neighbor', '--neighbor', [CompletionResultType]::ParameterName, 'Only routes of the BGP neighbor with this address, of bmpd or of a router')
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'Only routes of neighbors in this VPN instance')
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Only routes of this router; `local` is bmpd itself with its BGP neighbors')
            [CompletionResult]::new('--view', '--view', [CompletionResultType]::ParameterName, 'Only routes of this view of a router''s peers [default: every one that it reports]')
            [CompletionResult]::new('--family', '--family', [CompletionResultType]::ParameterName, 'Only routes of this address family')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many routes; of counted ones so many lines [default: all]')
            [CompletionResult]::new('--count-by', '--count-by', [CompletionResultType]::ParameterName, 'Count the routes instead of showing them')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--exact', '--exact', [CompletionResultType]::ParameterName, 'Only this prefix, and none that covers it')
            [CompletionResult]::new('--longer', '--longer', [CompletionResultType]::ParameterName, 'This prefix and all that it covers')
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Show the bytes of the NLRI and of the path attributes, in hexadecimal')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every attribute of each route')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every attribute of each route')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;event' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only events at most so long ago, or since a time')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Only events behind the one with this sequence number')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Only those of sessions with this station, or `all` of any session')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of that session; without it an address means the session without alias')
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance of the sessions or neighbors')
            [CompletionResult]::new('--neighbor', '--neighbor', [CompletionResultType]::ParameterName, 'Only those of the neighbors with this address, or `all` of any neighbor')
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Only those of this router, and of the connections that carry it')
            [CompletionResult]::new('--publisher', '--publisher', [CompletionResultType]::ParameterName, 'Only those of this publisher')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many, the newest [default: all]')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;vpn-instance' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;config' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only what was configured and waits for a reset or a restart')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;statistics' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one without]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only sessions in this state; several are separated by commas')
            [CompletionResult]::new('--not-synchronised', '--not-synchronised', [CompletionResultType]::ParameterName, 'Only sessions that have not been synchronised for this long, 0s to 24h [default: 0s]')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only sessions with parameters that wait for a reset')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every counter of each session')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every counter of each session')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;status' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;version' {
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, every so many seconds, 100ms to 60m [default: 2]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;show;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions: a table, or the page of one session')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Show monitored routers: a table, or the page of one router')
            [CompletionResult]::new('publisher', 'publisher', [CompletionResultType]::ParameterValue, 'Show publishers: a table, or the page of one publisher')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Show BGP neighbors: a table, or the page of one neighbor')
            [CompletionResult]::new('route', 'route', [CompletionResultType]::ParameterValue, 'Show routes: what the tables have, all of it or for one prefix')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Show what has happened: changes of sessions, routers, neighbors, publishers; commands, reloads')
            [CompletionResult]::new('vpn-instance', 'vpn-instance', [CompletionResultType]::ParameterValue, 'Show VPN instances: what they stand for, and what is in them')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the configuration in effect, with defaults filled in and keys masked')
            [CompletionResult]::new('statistics', 'statistics', [CompletionResultType]::ParameterValue, 'Show what sessions have counted over all of their connections: a table, or the page of one session')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show bmpd itself: version, uptime, memory, routes, sessions by state')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Show the versions of bmpctl and bmpd')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;show;help;session' {
            break
        }
        'bmpctl;show;help;router' {
            break
        }
        'bmpctl;show;help;publisher' {
            break
        }
        'bmpctl;show;help;neighbor' {
            break
        }
        'bmpctl;show;help;route' {
            break
        }
        'bmpctl;show;help;event' {
            break
        }
        'bmpctl;show;help;vpn-instance' {
            break
        }
        'bmpctl;show;help;config' {
            break
        }
        'bmpctl;show;help;statistics' {
            break
        }
        'bmpctl;show;help;status' {
            break
        }
        'bmpctl;show;help;version' {
            break
        }
        'bmpctl;show;help;help' {
            break
        }
        'bmpctl;check' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Find out what keeps a session from coming up, or from being synchronised')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Find out what keeps a neighbor from coming up')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Find out what keeps a router from sending BMP')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;check;session' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;check;neighbor' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;check;router' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;check;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Find out what keeps a session from coming up, or from being synchronised')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Find out what keeps a neighbor from coming up')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Find out what keeps a router from sending BMP')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;check;help;session' {
            break
        }
        'bmpctl;check;help;neighbor' {
            break
        }
        'bmpctl;check;help;router' {
            break
        }
        'bmpctl;check;help;help' {
            break
        }
        'bmpctl;wait' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Wait until BMP sessions are synchronised, up or down')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;wait;session' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one without]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only sessions in this state; several are separated by commas')
            [CompletionResult]::new('--not-synchronised', '--not-synchronised', [CompletionResultType]::ParameterName, 'Only sessions that have not been synchronised for this long, 0s to 24h [default: 0s]')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'What to wait for')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only sessions with parameters that wait for a reset')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;wait;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Wait until BMP sessions are synchronised, up or down')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;wait;help;session' {
            break
        }
        'bmpctl;wait;help;help' {
            break
        }
        'bmpctl;monitor' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only events at most so long ago, or since a time')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Only events behind the one with this sequence number')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Only those of sessions with this station, or `all` of any session')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of that session; without it an address means the session without alias')
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance of the sessions or neighbors')
            [CompletionResult]::new('--neighbor', '--neighbor', [CompletionResultType]::ParameterName, 'Only those of the neighbors with this address, or `all` of any neighbor')
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Only those of this router, and of the connections that carry it')
            [CompletionResult]::new('--publisher', '--publisher', [CompletionResultType]::ParameterName, 'Only those of this publisher')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;config' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check a configuration file, and print everything that is wrong with it')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say what a key of the configuration file means')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;config;check' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;config;explain' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;config;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check a configuration file, and print everything that is wrong with it')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say what a key of the configuration file means')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;config;help;check' {
            break
        }
        'bmpctl;config;help;explain' {
            break
        }
        'bmpctl;config;help;help' {
            break
        }
        'bmpctl;clear' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('statistics', 'statistics', [CompletionResultType]::ParameterValue, 'Reset the counters of `show statistics`')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;clear;statistics' {
            [CompletionResult]::new('--vpn-instance', '--vpn-instance', [CompletionResultType]::ParameterName, 'The VPN instance [default: the public one for an address, every one without]')
            [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'The alias of the session; without it an address means the session without alias')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Only sessions in this state; several are separated by commas')
            [CompletionResult]::new('--not-synchronised', '--not-synchronised', [CompletionResultType]::ParameterName, 'Only sessions that have not been synchronised for this long, 0s to 24h [default: 0s]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only sessions with parameters that wait for a reset')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;clear;help' {
            [CompletionResult]::new('statistics', 'statistics', [CompletionResultType]::ParameterValue, 'Reset the counters of `show statistics`')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;clear;help;statistics' {
            break
        }
        'bmpctl;clear;help;help' {
            break
        }
        'bmpctl;log' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('level', 'level', [CompletionResultType]::ParameterValue, 'Show or set the level of bmpd''s log')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;log;level' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'For how long, 1ms to 24h; then the default is in effect again [default: for good]')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;log;help' {
            [CompletionResult]::new('level', 'level', [CompletionResultType]::ParameterValue, 'Show or set the level of bmpd''s log')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;log;help;level' {
            break
        }
        'bmpctl;log;help;help' {
            break
        }
        'bmpctl;display' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;display;bmp' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;display;bmp;session' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Run the command on this host, by ssh')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document, also for a failure')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'bmpctl;display;bmp;help' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;display;bmp;help;session' {
            break
        }
        'bmpctl;display;bmp;help;help' {
            break
        }
        'bmpctl;display;help' {
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;display;help;bmp' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            break
        }
        'bmpctl;display;help;bmp;session' {
            break
        }
        'bmpctl;display;help;help' {
            break
        }
        'bmpctl;help' {
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, the BMP connections of routers, or publishers')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Apply the configuration file: add, change and remove what differs from what runs')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show sessions, routers, publishers, neighbors, events, VPN instances, the configuration, bmpd itself')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Find out what keeps a session, a neighbor or a router from coming up')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until sessions are synchronised, up or down')
            [CompletionResult]::new('monitor', 'monitor', [CompletionResultType]::ParameterValue, 'Print what happens as it happens: changes of sessions, routers, neighbors, publishers; commands, reloads')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Check a configuration file, or look up what a key of it means')
            [CompletionResult]::new('clear', 'clear', [CompletionResultType]::ParameterValue, 'Reset counters')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Show or set how much bmpd logs')
            [CompletionResult]::new('display', 'display', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'bmpctl;help;reset' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions: apply the configured parameters, connect again, send everything again')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Reset the BMP connections of routers: each sends everything anew')
            [CompletionResult]::new('publisher', 'publisher', [CompletionResultType]::ParameterValue, 'Reset publishers: apply the configured parameters, and publish everything again')
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
            break
        }
        'bmpctl;help;reset;session' {
            break
        }
        'bmpctl;help;reset;router' {
            break
        }
        'bmpctl;help;reset;publisher' {
            break
        }
        'bmpctl;help;reset;bmp' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Reset BMP sessions, in the grammar of the routers'' manual')
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
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Show monitored routers: a table, or the page of one router')
            [CompletionResult]::new('publisher', 'publisher', [CompletionResultType]::ParameterValue, 'Show publishers: a table, or the page of one publisher')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Show BGP neighbors: a table, or the page of one neighbor')
            [CompletionResult]::new('route', 'route', [CompletionResultType]::ParameterValue, 'Show routes: what the tables have, all of it or for one prefix')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Show what has happened: changes of sessions, routers, neighbors, publishers; commands, reloads')
            [CompletionResult]::new('vpn-instance', 'vpn-instance', [CompletionResultType]::ParameterValue, 'Show VPN instances: what they stand for, and what is in them')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the configuration in effect, with defaults filled in and keys masked')
            [CompletionResult]::new('statistics', 'statistics', [CompletionResultType]::ParameterValue, 'Show what sessions have counted over all of their connections: a table, or the page of one session')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show bmpd itself: version, uptime, memory, routes, sessions by state')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Show the versions of bmpctl and bmpd')
            break
        }
        'bmpctl;help;show;session' {
            break
        }
        'bmpctl;help;show;router' {
            break
        }
        'bmpctl;help;show;publisher' {
            break
        }
        'bmpctl;help;show;neighbor' {
            break
        }
        'bmpctl;help;show;route' {
            break
        }
        'bmpctl;help;show;event' {
            break
        }
        'bmpctl;help;show;vpn-instance' {
            break
        }
        'bmpctl;help;show;config' {
            break
        }
        'bmpctl;help;show;statistics' {
            break
        }
        'bmpctl;help;show;status' {
            break
        }
        'bmpctl;help;show;version' {
            break
        }
        'bmpctl;help;check' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Find out what keeps a session from coming up, or from being synchronised')
            [CompletionResult]::new('neighbor', 'neighbor', [CompletionResultType]::ParameterValue, 'Find out what keeps a neighbor from coming up')
            [CompletionResult]::new('router', 'router', [CompletionResultType]::ParameterValue, 'Find out what keeps a router from sending BMP')
            break
        }
        'bmpctl;help;check;session' {
            break
        }
        'bmpctl;help;check;neighbor' {
            break
        }
        'bmpctl;help;check;router' {
            break
        }
        'bmpctl;help;wait' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Wait until BMP sessions are synchronised, up or down')
            break
        }
        'bmpctl;help;wait;session' {
            break
        }
        'bmpctl;help;monitor' {
            break
        }
        'bmpctl;help;config' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check a configuration file, and print everything that is wrong with it')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say what a key of the configuration file means')
            break
        }
        'bmpctl;help;config;check' {
            break
        }
        'bmpctl;help;config;explain' {
            break
        }
        'bmpctl;help;clear' {
            [CompletionResult]::new('statistics', 'statistics', [CompletionResultType]::ParameterValue, 'Reset the counters of `show statistics`')
            break
        }
        'bmpctl;help;clear;statistics' {
            break
        }
        'bmpctl;help;log' {
            [CompletionResult]::new('level', 'level', [CompletionResultType]::ParameterValue, 'Show or set the level of bmpd''s log')
            break
        }
        'bmpctl;help;log;level' {
            break
        }
        'bmpctl;help;display' {
            [CompletionResult]::new('bmp', 'bmp', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            break
        }
        'bmpctl;help;display;bmp' {
            [CompletionResult]::new('session', 'session', [CompletionResultType]::ParameterValue, 'Show BMP sessions in the words and the layout of routers')
            break
        }
        'bmpctl;help;display;bmp;session' {
            break
        }
        'bmpctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
