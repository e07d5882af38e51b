//! `testbed client`: minimal loops that send a prepared request and read its response. They are the lower bound of a
//! load generator's CPU time: nearly all of theirs is spent in the kernel.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use brunt_testbed::NullServer;
use io_uring::{IoUring, opcode, types};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// Options of the loop.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// URL of the null server
    #[arg(value_name = "http://ADDRESS:PORT", value_parser = address)]
    url: SocketAddr,
    /// Number of connections, each with one request in flight
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Duration in seconds
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Use `io_uring` instead of epoll, send and recv
    #[arg(long)]
    io_uring: bool,
}

/// Maximum size of a response, in bytes.
const BUFFER_BYTES: usize = 4_096;
/// Number of waits between checks of the elapsed time.
const WAITS_A_LOOK: u32 = 64;

fn address(url: &str) -> Result<SocketAddr, String> {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let wrong = |_| "invalid URL: must be like http://127.0.0.1:8000".to_owned();
    address.parse().map_err(wrong)
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nUser-Agent: bare\r\n\r\n",
        options.url
    );
    let connect = || {
        let stream = TcpStream::connect(options.url)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let streams = (0..options.connections).map(|_| connect());
    let streams: Vec<TcpStream> = streams
        .collect::<std::io::Result<_>>()
        .context("cannot connect")?;
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let responses = if options.io_uring {
        by_ring(&streams, request.as_bytes(), until)
    } else {
        by_epoll(streams, request.as_bytes(), until)
    };
    println!("responses {}", responses?);
    Ok(())
}

fn by_epoll(mut streams: Vec<TcpStream>, request: &[u8], until: Instant) -> anyhow::Result<u64> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    for (number, stream) in (0..).zip(&mut streams) {
        stream.set_nonblocking(true)?;
        epoll::add(&poll, &*stream, EventData::new_u64(number), EventFlags::IN)?;
        stream.write_all(request)?;
    }
    let mut buffer = [0; BUFFER_BYTES];
    let (mut responses, mut events) = (0, Vec::with_capacity(streams.len()));
    loop {
        for _ in 0..WAITS_A_LOOK {
            events.clear();
            epoll::wait(&poll, spare_capacity(&mut events), None)?;
            for event in &events {
                let stream = &mut streams[usize::try_from(event.data.u64())?];
                match stream.read(&mut buffer) {
                    Ok(NullServer::RESPONSE_SIZE) => responses += 1,
                    Ok(bytes) => {
                        anyhow::bail!("received {bytes} bytes instead of a complete response")
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error.into()),
                }
                stream.write_all(request)?;
            }
        }
        if Instant::now() >= until {
            return Ok(responses);
        }
    }
}

/// Submits a request together with the read of its response, so that many of both need only one wait.
fn by_ring(streams: &[TcpStream], request: &[u8], until: Instant) -> anyhow::Result<u64> {
    let mut ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(2_048)
        .context("io_uring is not available")?;
    let descriptors: Vec<i32> = streams.iter().map(AsRawFd::as_raw_fd).collect();
    ring.submitter().register_files(&descriptors)?;
    let mut buffers = vec![[0_u8; BUFFER_BYTES]; streams.len()];
    let mut responses = 0;
    let mut ready: Vec<usize> = (0..streams.len()).collect();
    loop {
        for _ in 0..WAITS_A_LOOK {
            for number in ready.drain(..) {
                ask(&mut ring, number, request, &mut buffers[number])?;
            }
            ring.submit_and_wait(1)?;
            for done in ring.completion() {
                // Completions of sends matter only if they failed.
                let bytes = usize::try_from(done.result());
                ensure!(
                    bytes == Ok(NullServer::RESPONSE_SIZE),
                    "received {} instead of a complete response",
                    done.result()
                );
                responses += 1;
                ready.push(usize::try_from(done.user_data())?);
            }
        }
        if Instant::now() >= until {
            return Ok(responses);
        }
    }
}

#[expect(
    unsafe_code,
    reason = "submitted buffers have to live until completion"
)]
fn ask(
    ring: &mut IoUring,
    number: usize,
    request: &[u8],
    buffer: &mut [u8; BUFFER_BYTES],
) -> anyhow::Result<()> {
    let at = types::Fixed(u32::try_from(number)?);
    let length = |bytes: usize| u32::try_from(bytes);
    let send = opcode::Send::new(at, request.as_ptr(), length(request.len())?)
        .build()
        .flags(io_uring::squeue::Flags::IO_LINK | io_uring::squeue::Flags::SKIP_SUCCESS);
    let receive = opcode::Recv::new(at, buffer.as_mut_ptr(), length(BUFFER_BYTES)?)
        .build()
        .user_data(number as u64);
    let mut queue = ring.submission();
    // SAFETY: the request and the buffers outlive the ring, and no buffer is read before its completion.
    unsafe { queue.push_multiple(&[send, receive]) }.context("the queue is full")
}
