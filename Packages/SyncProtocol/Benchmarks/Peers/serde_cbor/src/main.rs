// SPDX-License-Identifier: MIT
//
// serde_cbor (Rust) on the benchmark's corpus: `serde-cbor-bench CORPUS ROUNDS` prints one line
// `ROW MILLISECONDS` for each row, the median of the rounds.

extern crate serde;
#[macro_use]
extern crate serde_derive;

use std::hint::black_box;
use std::time::Instant;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    op_id: u64,
    db_id: String,
    cursor: u64,
    op_type: String,
    device_id: String,
    entity_id: String,
    collection: String,
    #[serde(with = "serde_bytes")]
    entity_cbor: Vec<u8>,
    timestamp_ms: u64,
    entity_version: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    ops: Vec<Operation>,
    has_more: bool,
    next_cursor: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct OperationView<'a> {
    op_id: u64,
    db_id: &'a str,
    cursor: u64,
    op_type: &'a str,
    device_id: &'a str,
    entity_id: &'a str,
    collection: &'a str,
    #[serde(with = "serde_bytes")]
    entity_cbor: &'a [u8],
    timestamp_ms: u64,
    entity_version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct PageView<'a> {
    #[serde(borrow)]
    ops: Vec<OperationView<'a>>,
    has_more: bool,
    next_cursor: u64,
}

fn measure(row: &str, rounds: usize, mut body: impl FnMut()) {
    body();
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            body();
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(|a, b| a.partial_cmp(b).unwrap());
    println!("{} {:.4}", row, times[rounds / 2]);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let corpus = std::fs::read(&arguments[1]).unwrap();
    let rounds: usize = arguments[2].parse().unwrap();
    let page: Page = serde_cbor::from_slice(&corpus).unwrap();

    measure("decode-owned", rounds, || {
        black_box(serde_cbor::from_slice::<Page>(&corpus).unwrap());
    });
    measure("decode-borrowed", rounds, || {
        black_box(serde_cbor::from_slice::<PageView>(&corpus).unwrap());
    });
    measure("encode", rounds, || {
        black_box(serde_cbor::to_vec(&page).unwrap());
    });
}
