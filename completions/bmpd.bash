_bmpd() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="bmpd"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        bmpd)
            opts="-h -V --check --json --schema --import --log --explain --config --help --version"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --import)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log)
                    COMPREPLY=($(compgen -W "error warn info debug trace" -- "${cur}"))
                    return 0
                    ;;
                --explain)
                    COMPREPLY=($(compgen -W "include bmp bmp.system-name bmp.system-description bmp.statistics-timer session session.address session.tcp session.tcp.connect-port session.tcp.connect-timeout session.tcp.source-address session.tcp.source-interface session.tcp.mss session.tcp.dscp session.tcp.keepalive session.tcp.keepalive.idle session.tcp.keepalive.interval session.tcp.keepalive.count session.tcp.user-timeout session.tcp.md5 session.tcp.md5.key session.tcp.md5.key-file session.tcp.listen-port session.tcp.ao session.tcp.ao.send-id session.tcp.ao.receive-id session.tcp.ao.algorithm session.tcp.ao.key session.tcp.ao.key-file session.description session.alias session.retry session.retry.initial session.retry.maximum session.stall-timeout session.initial-delay session.statistics-timer session.shutdown session.initiation-message session.identity session.source-addresses session.ports session.tls session.tls.ca session.tls.certificate session.tls.private-key session.tls.server-name session.tls.minimum-version session.monitor session.monitor.public session.monitor.vpn-instances session.monitor.all-vpn-instances session.monitor.neighbors session.monitor.neighbors.address session.monitor.neighbors.vpn-instance session.monitor.families session.monitor.routers session.monitor.views session.mode session.vpn-instance vpn-instance vpn-instance.name vpn-instance.device vpn-instance.route-distinguisher vpn-instance.listen vpn-instance.netns bgp bgp.as bgp.router-id bgp.listen bgp.memory-limit bgp.open-timeout bgp.maximum-pending bgp.neighbor bgp.neighbor.address bgp.neighbor.remote-as bgp.neighbor.port bgp.neighbor.hold-time bgp.neighbor.families bgp.neighbor.add-path bgp.neighbor.md5 bgp.neighbor.md5.key-file bgp.neighbor.md5.key bgp.neighbor.source-address bgp.neighbor.multihop bgp.neighbor.ttl-security bgp.neighbor.mss bgp.neighbor.maximum-routes bgp.neighbor.maximum-routes.limit bgp.neighbor.maximum-routes.action bgp.neighbor.maximum-routes.restart-after bgp.neighbor.maximum-memory bgp.neighbor.graceful-restart bgp.neighbor.vpn-instance bgp.neighbor.passive bgp.neighbor.prefix bgp.neighbor.maximum-neighbors bgp.neighbor.description relay relay.listen relay.memory-limit relay.maximum-pending relay.initiation-timeout relay.proxies router router.name router.address router.description router.hold-time router.maximum-peers router.maximum-routes router.maximum-memory router.maximum-message router.shutdown router.tcp router.tcp.md5 router.tcp.md5.key-file router.tcp.md5.key router.tcp.ao router.tcp.ao.send-id router.tcp.ao.receive-id router.tcp.ao.algorithm router.tcp.ao.key router.tcp.ao.key-file router.tcp.mss router.tcp.dscp router.tcp.keepalive router.tcp.keepalive.idle router.tcp.keepalive.interval router.tcp.keepalive.count router.tcp.user-timeout router.tcp.connect-port router.tcp.source-address router.tcp.source-interface router.tcp.connect-timeout router.tls router.tls.ca router.tls.certificate router.tls.private-key router.tls.client-name router.tls.minimum-version router.addresses router.vpn-instance router.mode router.retry router.retry.initial router.retry.maximum router.prefix router.maximum-routers publisher publisher.name publisher.topic publisher.kafka publisher.kafka.bootstrap-servers publisher.kafka.delivery-timeout publisher.kafka.compression publisher.kafka.window publisher.kafka.linger publisher.kafka.tls publisher.kafka.tls.ca publisher.kafka.tls.certificate publisher.kafka.tls.private-key publisher.kafka.sasl publisher.kafka.sasl.mechanism publisher.kafka.sasl.user publisher.kafka.sasl.password publisher.kafka.sasl.password-file publisher.description publisher.snapshot-interval publisher.statistics-timer publisher.monitor publisher.monitor.routers publisher.monitor.public publisher.monitor.vpn-instances publisher.monitor.all-vpn-instances publisher.monitor.neighbors publisher.monitor.neighbors.address publisher.monitor.neighbors.vpn-instance publisher.monitor.families publisher.monitor.views publisher.shutdown publisher.admin-id publisher.group publisher.router-hash control control.socket control.group control.users control.groups control.others control.maximum-clients control.maximum-clients-per-user control.maximum-monitors control.maximum-monitors-per-user process process.user http http.listen http.maximum-connections" -- "${cur}"))
                    return 0
                    ;;
                --config)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _bmpd -o nosort -o bashdefault -o default bmpd
else
    complete -F _bmpd -o bashdefault -o default bmpd
fi
