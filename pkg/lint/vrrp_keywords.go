package lint

import "strings"

// The keywords of keepalived 2.2 to 2.4, by the block they stand in, from keepalived.conf(5). Blocks of lists
// (virtual_ipaddress, track_script …) and of the IPVS director are not held to a table.
var vrrpKeywords = map[string]map[string]bool{
	"": keywordSet(`global_defs vrrp_script vrrp_instance vrrp_sync_group vrrp_track_process vrrp_track_file track_file virtual_server
		virtual_server_group static_ipaddress static_addresses static_routes static_rules garp_group track_group bfd_instance
		linkbeat_interfaces linkbeat_use_polling interface_up_down_delays SSL net_namespace net_namespace_ipvs instance use_pid_dir namespace_with_ipsets
		child_wait_time process_names checker_process_name vrrp_process_name bfd_process_name include include_check
		includea includeb includem includer includew umask random_seed reload_check_config reload_time_file reload_repeat lvs_flush
		tmp_config_directory`),

	"global_defs": keywordSet(`nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark no_email_faults
		notification_email notification_email_from smtp_server smtp_helo_name smtp_connect_timeout smtp_alert smtp_alert_vrrp
		smtp_alert_checker router_id email_faults default_interface disable_local_igmp lvs_sync_daemon lvs_timeouts lvs_flush lvs_flush_on_stop
		lvs_flush_onstop lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force
		vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force
		process_monitor_rcv_bufs process_monitor_rcv_bufs_force vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier
		vrrp_mcast_group4 vrrp_mcast_group6 vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_master_refresh
		vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_garp_interval vrrp_gna_interval
		vrrp_garp_extra_if vrrp_min_garp vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_version vrrp_iptables vrrp_ipsets
		nftables nftables_priority nftables_counters nftables_ifindex
		vrrp_check_unicast_src vrrp_skip_check_adv_addr vrrp_strict vrrp_priority
		checker_priority bfd_priority vrrp_no_swap checker_no_swap bfd_no_swap vrrp_rt_priority vrrp_rlimit_rtime vrrp_rlimit_rttime
		checker_rt_priority checker_rlimit_rtime checker_rlimit_rttime bfd_rt_priority bfd_rlimit_rtime bfd_rlimit_rttime max_auto_priority
		min_auto_priority_delay vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity no_snmp enable_snmp_vrrp enable_snmp_keepalived
		enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_traps enable_snmp snmp_socket snmp_rx_bufs
		snmp_vrrp_stats_update_interval snmp_rs_stats_update_interval snmp_rfcv2 enable_dbus dbus_service_name dbus_no_interface_name
		script_user enable_script_security vrrp_notify_fifo vrrp_notify_fifo_script lvs_notify_fifo lvs_notify_fifo_script notify_fifo
		notify_fifo_script notify_priority_changes vrrp_notify_priority_changes dynamic_interfaces vrrp_startup_delay startup_delay
		vrrp_delay_after_boot delay_after_boot log_unknown_vrids
		vrrp_down_timer_adverts random_seed reload_repeat reload_check_config
		reload_time_file reload_file include_check umask data_use_instance json_version iproute_usr_dir
		iproute_etc_dir use_symlink_paths fifo_write_vrrp_states_on_reload shutdown_script shutdown_script_timeout startup_script
		startup_script_timeout checker_log_all_failures vrrp_process_name checker_process_name bfd_process_name process_names
		vmac_prefix vmac_addr_prefix disable_local_igmp
		nftables_priority tmp_config_directory config_save_dir
		instance net_namespace net_namespace_ipvs namespace_with_ipsets use_pid_dir child_wait_time linkbeat_use_polling
		default_interface rs_init_notifies no_checker_emails ha_suspend lvs_id_range
		auth_hmac smtp_server_username`),

	"vrrp_script": keywordSet(`script interval timeout weight rise fall user init_fail`),

	"vrrp_track_process": keywordSet(`process param_match weight quorum quorum_max delay terminate_delay fork_delay full_command script`),

	"vrrp_track_file": keywordSet(`file weight init_file reverse`),

	"vrrp_sync_group": keywordSet(`group track_interface track_script track_file track_process track_bfd notify_master notify_backup notify_fault
		notify_stop notify notify_master_rx_lower_pri notify_deleted notify_priority_changes smtp_alert global_tracking
		sync_group_tracking_weight state`),

	"vrrp_instance": keywordSet(`state interface use_vmac use_vmac_addr use_ipvlan vmac_xmit_base native_ipv6 dont_track_primary linkbeat_use_polling
		track_interface track_script track_file track_process track_bfd mcast_src_ip mcast_dst_ip unicast_src_ip track_src_ip unicast_ttl unicast_peer
		unicast_fault_no_peer check_unicast_src old_unicast_checksum unicast_checksum version virtual_router_id priority advert_int
		authentication virtual_ipaddress virtual_ipaddress_excluded virtual_routes virtual_rules promote_secondaries accept no_accept nopreempt preempt
		preempt_delay strict_mode debug notify_master notify_backup notify_fault notify_stop notify notify_deleted notify_master_rx_lower_pri
		notify_priority_changes smtp_alert lvs_sync_daemon_interface lvs_sync_daemon_inteface garp_master_delay garp_master_repeat garp_master_refresh
		garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat garp_interval gna_interval garp_extra_if lower_prio_no_advert
		higher_prio_send_advert kernel_rx_buf_size skip_check_adv_addr owner_ignore_adverts down_timer_adverts
		timer_expired_backup track_group allow_no_vips`),

	"authentication": keywordSet(`auth_type auth_pass auth_hmac auth_key key id time`),
}

func keywordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// vrrpBlocks are the names under which a block of the table is written.
var vrrpBlocks = map[string]string{
	"global_defs": "global_defs", "vrrp_script": "vrrp_script", "vrrp_track_process": "vrrp_track_process", "vrrp_track_file": "vrrp_track_file",
	"track_file": "vrrp_track_file", "vrrp_sync_group": "vrrp_sync_group", "vrrp_instance": "vrrp_instance", "authentication": "authentication",
}

// vrrpTakes is how many words the keywords take that are often followed by another on one line.
var vrrpTakes = map[string]int{
	"state": 1, "interface": 1, "virtual_router_id": 1, "priority": 1, "advert_int": 1, "version": 1, "mcast_src_ip": 1, "unicast_src_ip": 1,
	"nopreempt": 0, "preempt_delay": 1, "dont_track_primary": 0, "track_src_ip": 0, "promote_secondaries": 0, "garp_master_delay": 1, "auth_type": 1,
	"auth_pass": 1, "script": 1, "interval": 1, "timeout": 1, "weight": 1, "rise": 1, "fall": 1, "init_fail": 0, "router_id": 1, "vrrp_strict": 0,
	"vrrp_version": 1, "enable_script_security": 0, "vrrp_skip_check_adv_addr": 0, "smtp_server": 2, "smtp_connect_timeout": 1, "vrrp_garp_interval": 1,
	"vrrp_gna_interval": 1, "process": 1, "file": 1, "notify_master": 1, "notify_backup": 1, "notify_fault": 1, "notify_stop": 1, "notify": 1,
}
