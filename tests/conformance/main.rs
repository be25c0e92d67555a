//! What any store of the log must do. One list of cases, run against SQLite and PostgreSQL; random histories against a
//! simple model of a log; and the faults that the append and the relay must survive.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped is a failed test"
)]

mod appending;
mod crash;
mod erasing;
mod evolution;
mod faults;
mod followers;
mod following;
mod histories;
mod keys;
mod leases;
mod messages;
mod model;
mod parking;
mod past;
mod place;
mod recovering;
mod relaying;
mod restoring;
mod retention;
mod tamper;
mod tree;
mod witness;

use place::Place;

/// Every case, each with a municipality of its own.
async fn holds_for(place: &Place) {
    appending::appends_in_order(place).await;
    appending::refuses_a_stale_expected_version(place).await;
    appending::writes_several_streams_or_none(place).await;
    appending::answers_a_command_the_same_way_again(place).await;
    Box::pin(appending::a_wrong_guess_is_refused_and_asked_again(place)).await;
    appending::recorded_at_strictly_rises(place).await;
    appending::keeps_personal_bytes_and_salts_apart(place).await;
    appending::commitments_recompute(place).await;
    appending::positions_are_dense_under_many_writers(place).await;
    appending::a_full_queue_refuses_and_loses_nothing(place).await;
    appending::bad_input_spoils_nothing(place).await;
    Box::pin(recovering::a_store_that_fell_back_takes_nothing(place)).await;
    erasing::only_what_was_ordered_is_erased(place).await;
    erasing::another_replica_forgets_too(place).await;
    erasing::no_service_orders_by_itself(place).await;
    Box::pin(erasing::what_came_back_is_erased_again(place)).await;
    following::history_tells_a_subject_in_order(place).await;
    following::pages_end_where_the_next_begin(place).await;
    Box::pin(following::follow_never_skips(place)).await;
    Box::pin(following::a_follower_of_another_replica_hears_everything(
        place,
    ))
    .await;
    following::silence_is_broken_every_second(place).await;
    following::a_time_leads_to_what_was_recorded_by_then(place).await;
    leases::one_holder_at_a_time(place).await;
    leases::a_zombies_checkpoint_is_refused(place).await;
    leases::a_lease_given_back_is_free_at_once(place).await;
    Box::pin(tree::the_tree_follows_the_log(place)).await;
    Box::pin(tree::two_signers_sign_one_history(place)).await;
    Box::pin(tree::nothing_is_shown_before_it_is_signed(place)).await;
    let unlike = tree::a_log_that_is_not_what_was_signed_is_not_signed_again(place);
    Box::pin(unlike).await;
    Box::pin(witness::what_was_cosigned_is_never_taken_back(place)).await;
    Box::pin(witness::cosignatures_stand_below_what_was_signed(place)).await;
    appending::two_logs_do_not_see_each_other(place).await;
    appending::a_log_is_found_again(place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    Box::pin(holds_for(&Place::sqlite())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    Box::pin(holds_for(&Place::postgres().await)).await;
}

/// A ledger of its own, beside the data of its process.
fn small_ledger() -> ledger::Config {
    ledger::Config {
        store: None,
        queue: 64,
        nats_replicas: 1,
        signing_key_file: None,
        origin: "localhost/log".to_owned(),
        witnessing: ledger::witness::Witnessing::default(),
    }
}
