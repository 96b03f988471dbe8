//! Tests of the whole system: every request goes through a real HTTP server,
//! gateway, lattice, NATS and database.
//!
//! One lattice is started for all tests that leave it as it is ([`shared`]);
//! a test that stops or breaks something starts its own. Run them by
//! `cargo xtask test`, which builds what they need.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on ends with what it missed"
)]

mod accounts;
mod auth;
mod bad_input;
mod bus;
mod capabilities;
mod commands;
mod engine;
mod events;
mod gateway;
mod life;
mod mails;
mod newcomer;
mod outside;
mod payments;
mod products;
mod services;
mod wash;

use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};

use stoa_harness::Lattice;

/// Lists the tests of each module by their names.
macro_rules! trials {
    ($($($module:ident)::+: [$($test:ident),* $(,)?])*) => {
        [$({
            use $($module)::+ as tests;
            let module = stringify!($($module)::+);
            vec![$(trial(module, stringify!($test), tests::$test)),*]
        }),*].into_iter().flatten().collect::<Vec<_>>()
    };
}

fn trial(module: &str, test: &str, run: fn()) -> Trial {
    let name = format!("{module}::{test}").replace(' ', "");
    let timed = name.clone();
    let trial = Trial::test(name, move || {
        let started = Instant::now();
        run();
        times().push((started.elapsed(), timed));
        Ok(())
    });
    // What tests with it is skipped where it is not installed.
    trial.with_ignored_flag(module == "wash" && !wash::is_there())
}

static TIMES: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

/// How long each test took that passed.
fn times() -> MutexGuard<'static, Vec<(Duration, String)>> {
    TIMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the ten tests that took longest.
#[expect(
    clippy::print_stdout,
    reason = "a test program reports to its terminal"
)]
fn show_slowest() {
    let mut times = times();
    times.sort_by(|one, other| other.cmp(one));
    if times.len() > 10 {
        println!("the slowest ten:");
        for (time, name) in times.iter().take(10) {
            println!("{:>7.1} s  {name}", time.as_secs_f64());
        }
    }
}

static SHARED: OnceLock<Lattice> = OnceLock::new();

/// The lattice that tests share, started by the first that needs it.
pub(crate) fn shared() -> &'static Lattice {
    SHARED.get_or_init(Lattice::start)
}

#[expect(clippy::too_many_lines, reason = "a table of contents")]
fn tests() -> Vec<Trial> {
    trials! {
        engine::calls: [
            a_call_is_answered_whatever_its_size_inside_a_host,
            a_call_is_answered_whatever_its_size_over_nats,
            a_trap_ends_its_call_and_nothing_else,
            a_call_that_takes_too_long_is_an_error_of_the_caller,
            components_that_call_each_other_in_a_circle_come_to_an_end,
            slow_calls_over_a_low_limit_wait_for_each_other,
            calls_that_find_the_queue_full_wait_for_their_turn,
            callers_that_give_up_are_not_served,
        ]
        engine::hosts: [
            a_component_on_another_host_is_called_there,
            hosts_share_the_calls_to_a_component_that_both_run,
            calls_stay_on_a_host_that_runs_their_target,
        ]
        engine::swaps: [
            a_swap_loses_no_request_however_it_is_made,
            the_gateway_is_swapped_without_losing_a_request,
            what_is_written_during_swaps_is_there_once,
            a_build_that_cannot_run_leaves_the_old_one_serving,
            a_component_that_is_stopped_and_started_answers_503_in_between,
        ]
        auth::sign_up: [
            whoever_signs_up_has_an_account_and_can_sign_in,
            a_taken_address_is_answered_like_a_new_one,
            of_fifty_sign_ups_at_once_with_one_address_one_makes_the_account,
            every_wrong_field_is_named_at_once,
            an_address_is_free_again_when_its_account_is_deleted,
        ]
        auth::sign_in: [
            tokens_come_as_oauth_has_them_and_say_whose_they_are,
            an_access_token_says_who_it_is_about_for_ten_minutes_and_how_to_check_it,
            whatever_is_wrong_with_them_credentials_are_refused_alike,
            guesses_are_slowed_down_for_that_account_from_there,
            guesses_at_the_same_time_do_not_slip_by,
            a_restart_forgets_no_guess,
        ]
        auth::refresh: [
            a_refresh_gives_new_tokens_of_the_same_session,
            of_two_hundred_refreshes_at_once_with_one_token_one_family_survives,
            a_reused_refresh_token_revokes_its_family,
            a_refresh_token_is_no_access_token_and_an_access_token_no_refresh_token,
            what_is_no_refresh_token_is_refused,
        ]
        auth::sign_out: [
            a_sign_out_ends_both_tokens_within_a_second,
            the_others_or_all_sessions_are_signed_out_on_request,
            an_expired_access_token_still_signs_out_and_does_nothing_else,
            nobody_signs_out_without_a_token,
        ]
        auth::sessions: [
            people_see_where_they_are_signed_in,
            a_session_is_ended_from_another,
        ]
        auth::verify: [
            an_address_is_verified_by_the_token_of_its_mail_once,
            what_is_no_one_time_token_is_refused,
            the_mail_is_sent_again_a_few_times,
            another_address_is_the_accounts_when_its_mail_is_confirmed,
            of_several_sign_ups_the_one_that_is_confirmed_has_the_password,
        ]
        auth::password: [
            a_forgotten_password_is_set_anew_and_all_sessions_end,
            nobody_is_told_whether_there_is_an_account,
            a_password_is_changed_by_whoever_knows_it_and_other_sessions_end,
        ]
        auth::owner: [
            people_read_and_write_their_own_account,
            a_strangers_account_is_not_there,
            customers_are_no_administrators,
            a_deleted_account_is_signed_out_within_a_second,
            who_loses_a_role_is_signed_out_and_who_gets_one_has_it_in_new_tokens,
        ]
        auth::forgery: [
            a_token_that_was_changed_is_refused,
            a_tokens_header_chooses_nothing,
            the_right_key_is_not_enough,
            nothing_that_a_client_sends_beside_its_token_says_who_it_is,
        ]
        auth::keys: [
            keys_are_rotated_without_a_refused_request,
        ]
        auth::operator: [
            an_operator_makes_the_first_administrator,
            a_stranger_who_took_the_address_before_is_no_administrator,
        ]
        auth::time: [
            a_session_ends_after_14_days_without_use_and_30_days_in_all,
            the_token_before_is_taken_for_ten_seconds_and_ends_the_session_then,
            the_token_of_a_mail_is_good_for_ten_minutes_after_it_was_taken,
            a_hash_with_other_parameters_is_renewed_at_the_next_sign_in,
        ]
        auth::secrets: [
            no_secret_is_stored_as_it_is,
        ]
        events: [
            what_happens_to_an_account_is_told_in_order_and_soon,
            sign_ups_go_on_while_events_and_mail_are_away_and_are_told_of_later,
        ]
        mails: [
            who_signs_up_gets_one_mail_whose_link_verifies_the_address,
            a_forgotten_password_is_set_by_the_link_of_a_mail,
            what_is_refused_for_now_arrives_later_and_once,
            what_is_refused_for_good_is_tried_once_and_the_address_is_suppressed,
            what_may_have_been_accepted_is_sent_again_under_the_same_id,
            a_slow_answer_holds_up_nobody_else,
            an_administrator_has_a_mail_tried_again,
            without_a_server_mails_go_into_the_folder,
        ]
        mails::kills: [
            no_mail_gets_lost_when_the_events_provider_is_killed,
            no_mail_gets_lost_when_the_mail_provider_is_killed,
            no_mail_gets_lost_when_nats_is_killed,
            no_mail_gets_lost_when_the_host_is_killed,
        ]
        products::create: [
            a_created_product_is_where_location_says,
            what_is_left_out_or_null_takes_its_default,
            every_wrong_field_is_named_at_once,
            a_body_that_is_no_object_is_refused,
            what_only_the_server_sets_is_read_only,
            every_field_takes_its_largest_value,
            a_value_beyond_its_bounds_is_refused,
            a_taken_sku_is_a_conflict,
            a_taken_slug_is_a_conflict_and_a_taken_name_is_none,
            of_two_creates_with_one_sku_at_the_same_time_one_wins,
            of_many_creates_with_one_name_at_the_same_time_each_gets_a_slug,
            nobody_creates_without_a_token,
        ]
        products::delete: [
            a_deleted_product_is_gone_and_its_sku_is_free,
            only_the_version_that_is_meant_is_deleted,
            of_many_deletes_at_the_same_time_one_is_done,
            what_is_no_id_cannot_be_deleted,
            nobody_deletes_without_a_token,
        ]
        products::list: [
            pages_have_no_duplicates_and_no_gaps_while_products_come_and_go,
            the_link_to_the_next_page_is_usable_as_it_is,
            a_page_has_twenty_products_and_the_newest_come_first,
            drafts_are_listed_for_administrators_only,
            filters_narrow_a_list_and_their_bounds_are_inclusive,
            every_word_must_begin_a_word_of_name_description_or_sku,
            the_syntax_of_the_search_engine_is_only_text,
            a_search_without_words_finds_nothing,
            a_search_finds_what_is_there_now,
            the_longest_search_has_a_next_page,
            a_page_of_large_products_is_shorter_and_none_is_left_out,
            every_wrong_parameter_is_named_at_once,
            a_repeated_parameter_is_refused,
            numbers_have_their_bounds,
            a_cursor_of_another_list_is_refused,
            a_cursor_that_is_none_is_refused,
            who_has_the_current_page_gets_304,
        ]
        products::merge: [
            what_is_named_changes_and_the_rest_stays,
            both_content_types_of_json_are_taken,
            the_result_must_be_a_product_again,
            of_twenty_patches_at_the_same_time_none_is_lost,
            only_the_version_that_is_meant_is_changed,
            of_many_patches_of_one_version_one_is_done,
            a_sku_or_slug_of_another_is_a_conflict,
            what_is_not_there_cannot_be_changed,
            nobody_changes_without_a_token,
        ]
        products::replace: [
            what_is_left_out_takes_its_default_and_the_slug_stays,
            only_the_version_that_is_meant_is_replaced,
            of_many_replacements_of_one_version_one_is_done,
            a_sku_or_slug_of_another_is_a_conflict_and_its_own_is_none,
            every_wrong_field_is_named_at_once,
            a_replacement_creates_nothing,
            nobody_replaces_without_a_token,
        ]
        products::show: [
            what_everybody_sees_may_be_cached_and_what_administrators_see_may_not,
            a_draft_is_not_found_by_the_public,
            a_text_that_is_no_id_names_no_product,
            who_has_the_current_version_gets_304,
        ]
        accounts::create: [
            a_created_account_is_where_location_says,
            what_is_left_out_or_null_takes_its_default,
            every_wrong_field_is_named_at_once,
            what_is_no_address_is_refused,
            a_taken_address_is_a_conflict_whatever_its_case,
            of_twenty_creates_with_one_address_at_the_same_time_one_wins,
            nobody_creates_without_a_token,
        ]
        accounts::delete: [
            a_deleted_account_is_gone_and_its_address_is_free,
            only_the_version_that_is_meant_is_deleted,
            of_many_deletes_at_the_same_time_one_is_done,
            who_is_not_there_cannot_be_deleted,
            nobody_deletes_without_a_token,
        ]
        accounts::list: [
            pages_lead_to_every_account_newest_first,
            an_address_finds_one_account_or_none,
            a_role_narrows_the_list,
            every_wrong_parameter_is_named_at_once,
            a_cursor_of_another_list_is_refused,
            accounts_are_listed_for_administrators,
        ]
        accounts::merge: [
            what_is_named_changes_and_the_rest_stays,
            a_new_address_is_not_verified,
            the_result_must_be_an_account_again,
            what_changes_nothing_keeps_the_version,
            of_twenty_patches_at_the_same_time_none_is_lost,
            an_address_of_another_is_a_conflict,
            only_the_version_that_is_meant_is_changed,
            who_is_not_there_cannot_be_changed,
        ]
        accounts::replace: [
            what_is_left_out_takes_its_default_and_roles_stay,
            every_wrong_field_is_named_at_once,
            only_the_version_that_is_meant_is_replaced,
            an_address_of_another_is_a_conflict_and_its_own_is_none,
            a_replacement_creates_nothing,
        ]
        accounts::show: [
            an_account_is_at_both_paths_and_kept_by_no_cache,
            without_a_token_nothing_tells_who_is_there,
            a_text_that_is_no_id_names_no_account,
            who_has_the_current_version_gets_304,
        ]
        gateway::auth: [
            every_route_for_administrators_asks_for_a_token,
            a_wrong_token_is_refused_also_where_none_is_needed,
            other_credentials_are_no_tokens,
            the_schemes_name_may_be_written_in_any_case,
            two_authorization_headers_are_refused_even_if_both_are_right,
            nothing_but_the_token_makes_an_administrator,
            the_token_is_in_no_log,
        ]
        gateway::bodies: [
            a_body_has_up_to_1_mib,
            a_body_that_is_declared_too_large_is_refused,
            a_body_that_grows_too_large_is_refused,
            a_body_may_come_in_pieces,
            a_client_that_asks_before_it_sends_is_told,
            a_body_that_nobody_may_send_is_not_waited_for,
            a_body_that_does_not_come_in_time_is_408,
            a_body_that_breaks_off_is_refused,
            a_body_that_is_not_utf8_is_refused,
            a_body_of_another_type_is_refused,
            a_body_where_none_is_needed_is_ignored,
        ]
        gateway::cors: [
            no_origin_is_granted_anything_unless_it_is_configured,
            a_configured_origin_may_read_every_answer_and_no_other_may,
        ]
        gateway::document: [
            the_description_is_the_file_of_the_repository,
            who_has_the_current_description_gets_304,
        ]
        gateway::headers: [
            every_answer_carries_the_security_headers_and_says_nothing_of_the_server,
            every_answer_has_a_request_id_of_its_own,
            a_usable_request_id_is_kept,
            any_other_request_id_is_replaced,
            strict_transport_security_is_sent_where_it_is_configured,
        ]
        gateway::health: [
            a_gateway_that_runs_is_live_and_a_whole_api_is_ready,
            an_api_without_a_service_is_live_and_not_ready,
        ]
        gateway::paths: [
            an_escape_means_the_character_it_stands_for,
            a_path_that_can_be_understood_in_two_ways_is_refused,
            a_query_that_cannot_be_read_is_refused,
            a_query_is_read_as_forms_write_it,
            paths_and_queries_have_a_longest_length,
            text_that_is_not_escaped_is_read_as_utf8,
        ]
        gateway::routes: [
            what_is_not_listed_is_not_there,
            a_method_that_a_path_does_not_take_is_405_with_those_it_takes,
            options_says_what_a_path_takes,
            head_is_get_without_the_body,
            other_forms_of_a_request_target_mean_the_same_or_nothing,
        ]
        bad_input: [
            what_is_not_json_is_refused,
            json_of_any_depth_and_size_is_refused,
            no_field_takes_a_value_of_another_type,
            text_is_stored_as_it_came_whatever_it_would_mean_elsewhere,
            a_request_target_that_is_none_is_refused_by_the_server,
            too_many_or_too_large_headers_are_refused_by_the_server,
            what_is_not_http_is_refused_by_the_server,
            a_length_that_can_be_understood_in_two_ways_is_refused_by_the_server,
            a_request_without_a_usable_host_is_refused,
            headers_with_any_bytes_do_no_harm,
            an_if_match_that_is_none_changes_nothing,
            clients_that_hang_up_leave_nothing_behind,
            bad_input_from_many_keeps_no_good_client_waiting,
            a_cursor_made_by_hand_finds_nothing_but_products,
        ]
        capabilities: [
            components_import_what_the_table_says_and_nothing_else,
        ]
        commands: [
            up_names_a_port_that_is_taken,
            up_does_not_share_its_folder,
            up_says_which_nats_server_it_needs,
            up_says_what_is_wrong_with_the_manifest,
            up_says_who_is_missing_when_it_takes_too_long,
            without_a_lattice_the_other_commands_say_so,
            status_shows_what_runs_and_how_it_is,
            seed_writes_products_once_and_down_stops_the_lattice,
            a_component_is_compiled_once_and_again_when_it_is_another,
            compiled_code_is_kept_where_nobody_else_writes,
            what_a_lattice_keeps_is_its_owners_alone,
        ]
        life: [
            a_component_that_was_stopped_comes_back_and_answers_are_200_503_or_504_until_then,
            a_database_provider_that_is_killed_comes_back_with_all_products,
            a_key_value_provider_that_is_killed_comes_back_with_all_services,
            a_ticker_that_is_killed_comes_back_before_a_lease_runs_out,
            a_caller_that_ends_in_the_middle_of_a_call_blocks_no_other,
            without_nats_the_lattice_ends_and_says_so,
            a_restart_keeps_products_registrations_and_sessions,
            what_was_answered_before_a_kill_is_there_after_it_exactly_once,
            an_interrupt_from_a_terminal_stops_everything_in_order,
        ]
        newcomer: [
            a_service_made_by_one_command_is_built_and_answers,
        ]
        outside: [
            a_request_arrives_whole_and_without_an_identity,
            every_method_arrives_and_head_as_get,
            the_answer_comes_back_and_speaks_of_our_paths,
            the_answer_may_be_of_any_status_and_bytes,
            a_redirect_is_passed_on_and_not_followed,
            requests_are_spread_over_the_live_instances,
            a_service_that_is_down_is_503,
            a_broken_answer_is_502,
            an_answer_has_up_to_8_mib,
            a_service_that_does_not_answer_is_504,
            who_is_not_signed_in_gets_no_further_than_the_gateway,
            a_service_that_was_removed_is_not_called,
            no_service_takes_over_a_path_of_the_api,
        ]
        payments::idempotency: [
            of_fifty_posts_at_once_with_one_key_one_makes_a_payment_and_a_charge,
            a_key_stands_for_one_request_of_one_caller,
            without_a_usable_key_nothing_is_done,
            a_request_that_was_refused_may_be_corrected_under_its_key,
        ]
        payments::kills: [
            no_charge_is_lost_or_doubled_when_the_host_is_killed,
        ]
        payments::life: [
            a_payment_is_created_confirmed_and_refunded_and_its_owner_hears_of_it,
            money_that_is_held_is_captured_in_part_and_the_rest_is_released,
            a_refused_card_is_no_error_and_another_one_may_be_tried,
            an_illegal_step_is_409_and_changes_nothing,
            everything_that_is_wrong_is_named_and_a_card_number_repeated_nowhere,
            what_a_lost_answer_was_about_is_found_out_and_done_once,
            a_customer_who_has_to_do_something_is_told_what_and_pays_afterwards,
        ]
        payments::owner: [
            a_strangers_payment_is_not_there,
            who_has_paid_cannot_take_it_back,
            people_list_their_own_payments_and_administrators_all,
        ]
        payments::races: [
            of_fifty_refunds_of_everything_at_once_one_is_made,
            of_many_small_refunds_at_once_as_many_are_made_as_there_is_money_for,
            of_many_confirmations_and_cancellations_at_once_one_counts,
        ]
        payments::stripe: [
            money_is_taken_held_and_given_back_by_stripe,
            a_card_that_stripe_refuses_is_no_error,
            what_a_customer_does_at_stripe_comes_back_as_a_webhook,
            only_what_stripe_has_signed_in_these_minutes_is_taken,
            of_fifty_posts_at_once_with_one_key_one_reaches_stripe,
        ]
        payments::swap: [
            a_processor_is_swapped_without_a_failed_or_doubled_charge,
        ]
        payments::webhooks: [
            late_repeated_and_unordered_webhooks_change_nothing_twice,
            what_comes_without_a_webhook_is_found_by_asking,
            a_webhook_that_its_processor_did_not_sign_is_refused,
        ]
        services::beats: [
            a_beat_registers_a_service,
            a_service_that_stops_beating_is_gone_until_its_next_beat,
            a_beat_renews_the_lease,
            an_older_beat_never_overwrites_a_newer_one,
            an_older_beat_does_not_bring_back_what_expired,
            a_goodbye_ends_a_service_at_once,
            a_beat_says_only_that_a_service_is_its_own_component,
            a_beat_does_not_lead_a_known_service_elsewhere,
            a_beat_from_the_future_does_not_silence_a_service,
            what_an_operator_registered_is_renewed_and_not_changed_by_beats,
            what_is_no_beat_is_ignored,
            many_instances_beat_at_once_and_none_is_lost,
        ]
        services::list: [
            every_component_says_where_it_is_and_what_runs,
            the_list_has_no_parameters,
            a_service_that_is_not_known_is_404,
            services_are_for_administrators,
            other_methods_are_told_which_there_are,
        ]
        services::register: [
            a_new_service_is_201_and_one_that_is_there_200,
            a_service_has_up_to_32_instances,
            everything_that_is_wrong_is_said_at_once,
            a_url_with_more_than_a_base_is_refused,
            a_registration_with_a_lease_ends_with_it,
        ]
        services::remove: [
            a_removed_service_is_answered_once_more_and_then_gone,
            beats_are_ignored_for_one_lease_and_count_again_then,
            a_component_that_is_removed_answers_503_and_comes_back_after_its_lease,
        ]
        wash: [
            wash_runs_the_lattice_with_our_host,
            wash_builds_a_component_in_its_folder,
        ]
    }
}

fn main() -> ExitCode {
    let conclusion = libtest_mimic::run(&Arguments::from_args(), tests());
    show_slowest();
    mails::end();
    payments::stripe::end();
    let Some(lattice) = SHARED.get() else {
        return conclusion.exit_code();
    };
    let leaked = auth::secrets::leaked(lattice);
    lattice.end();
    assert_eq!(leaked, None, "a secret that the tests used is in the log");
    conclusion.exit_code()
}
