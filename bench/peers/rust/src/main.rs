//! Peers that are Rust libraries, and a client of NATS.
//!
//! `naos-peers durare FILE COUNT AT_ONCE`, `naos-peers restate-service PORT`,
//! `naos-peers nats PORT COUNT AT_ONCE`. The last line is JSON: `{"rate", "p50_ms"}`, of events
//! `{"published", "taken", "p50_ms"}`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;

/// Calls `each` `count` times, `at_once` at a time: seconds in all, milliseconds of each.
async fn drive<F, R>(count: usize, at_once: usize, each: F) -> (f64, Vec<f64>)
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let (each, next) = (Arc::new(each), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let lanes = (0..at_once).map(|_| {
        let (each, next) = (Arc::clone(&each), Arc::clone(&next));
        tokio::spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= count {
                    return took;
                }
                let began = Instant::now();
                each(number).await;
                took.push(began.elapsed().as_secs_f64() * 1e3);
            }
        })
    });
    let lanes: Vec<_> = lanes.collect();
    let mut all = Vec::new();
    for lane in lanes {
        all.extend(lane.await.expect("a lane ends"));
    }
    let seconds = began.elapsed().as_secs_f64();
    all.sort_by(f64::total_cmp);
    (seconds, all)
}

async fn durare(file: &str, count: usize, at_once: usize) {
    use durare::{
        DurableContext, DurableEngine, Error, SqliteProvider, StateProvider, WorkflowOptions,
    };
    use sqlx::sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    };
    // Its own default, NORMAL, loses what it acknowledged when the power fails.
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new()
        .max_connections(5)
        .connect_with(options)
        .await;
    let provider: Arc<dyn StateProvider> =
        Arc::new(SqliteProvider::from_pool(pool.expect("a database")));
    let mut engine = DurableEngine::new(provider).await.expect("an engine");
    engine.register("three", |context: DurableContext, number: u64| async move {
        let one = context
            .step("one", || async move { Ok::<_, Error>(number + 1) })
            .await?;
        let two = context
            .step("two", || async move { Ok::<_, Error>(one + 1) })
            .await?;
        context
            .step("three", || async move { Ok::<_, Error>(two + 1) })
            .await
    });
    let engine = Arc::new(engine);
    let run = move |part: &'static str| {
        let engine = Arc::clone(&engine);
        move |number: usize| {
            let engine = Arc::clone(&engine);
            async move {
                let id = WorkflowOptions::with_id(format!("{part}-{number}"));
                let started = engine.start::<u64, u64>("three", number as u64, id).await;
                assert_eq!(
                    started.expect("a start").await.expect("an end"),
                    number as u64 + 3
                );
            }
        }
    };
    let warm = at_once.max(20);
    drive(warm, at_once, run("warm")).await;
    let (seconds, took) = drive(count, at_once, run("timed")).await;
    println!(
        "{}",
        json!({"rate": count as f64 / seconds, "p50_ms": took[took.len() / 2], "all": warm + count})
    );
}

mod restate {
    use restate_sdk::prelude::*;

    struct BenchRust;

    #[service]
    impl BenchRust {
        #[handler]
        async fn run(&self, context: Context<'_>, number: u64) -> Result<u64, HandlerError> {
            let one = context
                .run(|| async move { Ok(number + 1) })
                .name("one")
                .await?;
            let two = context
                .run(|| async move { Ok(one + 1) })
                .name("two")
                .await?;
            Ok(context
                .run(|| async move { Ok(two + 1) })
                .name("three")
                .await?)
        }
    }

    pub async fn serve(port: &str) {
        let endpoint = Endpoint::builder().bind(BenchRust).build();
        let address = format!("127.0.0.1:{port}").parse().expect("an address");
        HttpServer::new(endpoint).listen_and_serve(address).await;
    }
}

async fn nats(port: &str, count: usize, at_once: usize) {
    use async_nats::jetstream::{consumer::pull, stream};
    use futures::StreamExt;
    let client = async_nats::connect(format!("127.0.0.1:{port}"))
        .await
        .expect("a server");
    let context = async_nats::jetstream::new(client);
    let _ = context.delete_stream("bench").await; // of the round before
    let made = context
        .create_stream(stream::Config {
            name: "bench".into(),
            subjects: vec!["bench".into()],
            retention: stream::RetentionPolicy::WorkQueue,
            ..Default::default()
        })
        .await
        .expect("a stream");
    let consumer = made
        .create_consumer(pull::Config {
            durable_name: Some("bench".into()),
            max_ack_pending: 1_000,
            ..Default::default()
        })
        .await
        .expect("a consumer");
    let publish = move |_: usize| {
        let context = context.clone();
        async move {
            let sent = context.publish("bench", vec![b'x'; 1_024].into()).await;
            sent.expect("it is sent").await.expect("it is acknowledged");
        }
    };
    let (seconds, took) = drive(count, at_once, publish).await;
    let published = count as f64 / seconds;
    let (began, mut taken) = (Instant::now(), 0);
    while taken < count {
        let mut batch = consumer
            .fetch()
            .max_messages(100)
            .messages()
            .await
            .expect("a batch");
        while let Some(message) = batch.next().await {
            let message = message.expect("a message");
            assert_eq!(message.payload.len(), 1_024);
            message.ack().await.expect("it is acknowledged");
            taken += 1;
        }
    }
    let taken = count as f64 / began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"published": published, "taken": taken, "p50_ms": took[took.len() / 2]})
    );
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = |at: usize| words[at].parse::<usize>().expect("a number");
    match words.get(1).map(String::as_str) {
        Some("durare") => durare(&words[2], number(3), number(4)).await,
        Some("restate-service") => restate::serve(&words[2]).await,
        Some("nats") => nats(&words[2], number(3), number(4)).await,
        _ => panic!("durare, restate-service or nats"),
    }
}
