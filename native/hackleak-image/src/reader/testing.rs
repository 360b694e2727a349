//! Images for tests, written record by record from [`crate::layout`] without any recorder.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use bytemuck::{Pod, Zeroable};

use crate::Frame;
use crate::layout::{
    Assertion, Blob, Cause, Check, Checkpoint, Context, Counter, HEADER_LEN, Header, Holder,
    InvalidFree, Judged, Judging, Kind, Link, Live, MAGIC, Method, Module, Named, Node, Outcome,
    Point, Root, SEGMENT_DATA_LEN, SEGMENT_HEADER_LEN, SEGMENT_MAGIC, Scope, SegmentHeader,
    SegmentKind, Thread, VERSION, state,
};

/// Builds an image in memory. The defaults are a finished process without any allocation.
#[derive(Debug)]
pub struct ImageBuilder {
    /// The header; its lengths and segment count are filled in at the end.
    pub header: Header,
    nodes: Vec<Node>,
    contexts: Vec<Context>,
    threads: Vec<Thread>,
    modules: Vec<Module>,
    methods: Vec<Method>,
    blobs: Vec<u8>,
    scopes: Vec<Scope>,
    checkpoints: Vec<Checkpoint>,
    invalid_frees: Vec<InvalidFree>,
    points: Vec<Point>,
    assertions: Vec<Assertion>,
    judgings: Vec<Judging>,
    judged: Vec<Judged>,
    holders: Vec<Holder>,
    names: Vec<Named>,
    live: BTreeMap<(bool, u64), LiveSegment>,
}

#[derive(Debug)]
struct LiveSegment {
    header: SegmentHeader,
    records: Vec<Live>,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        let mut header = Header::zeroed();
        header.magic = MAGIC;
        header.version = VERSION;
        header.machine = 62;
        header.pid = 4242;
        header.state = state::FINISHED;
        header.epoch = 1;
        header.track = 1;
        let mut builder = ImageBuilder {
            header,
            nodes: vec![Node::zeroed()],
            contexts: vec![Context::zeroed()],
            threads: Vec::new(),
            modules: Vec::new(),
            methods: Vec::new(),
            blobs: Vec::new(),
            scopes: vec![Scope {
                written: 1,
                ..Scope::zeroed()
            }],
            checkpoints: Vec::new(),
            invalid_frees: Vec::new(),
            points: Vec::new(),
            assertions: Vec::new(),
            judgings: Vec::new(),
            judged: Vec::new(),
            holders: Vec::new(),
            names: Vec::new(),
            live: BTreeMap::new(),
        };
        builder.header.exe = builder.text("/opt/java/bin/java");
        builder.header.command = builder.text("java\0-jar\0app.jar\0");
        builder.header.options = builder.text("track=new");
        builder
    }
}

/// Appends and returns the index.
fn push<T>(arena: &mut Vec<T>, record: T) -> u32 {
    arena.push(record);
    arena.len() as u32 - 1
}

impl ImageBuilder {
    /// A finished process without any allocation.
    pub fn new() -> ImageBuilder {
        ImageBuilder::default()
    }

    /// Adds a text to the blobs.
    pub fn text(&mut self, text: &str) -> Blob {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Blob {
        let blob = Blob::new(self.blobs.len() as u32, bytes.len() as u32);
        self.blobs.extend_from_slice(bytes);
        blob
    }

    /// Adds a thread with its totals.
    pub fn thread(&mut self, tid: u32, name: &str, allocations: u64, bytes: u64) -> u32 {
        let mut thread = Thread {
            tid,
            allocations,
            bytes,
            ..Thread::zeroed()
        };
        thread.name[..name.len()].copy_from_slice(name.as_bytes());
        push(&mut self.threads, thread)
    }

    /// The thread of this index ended in that epoch.
    pub fn thread_ended(&mut self, index: u32, epoch: u32) {
        self.threads[index as usize].ended = epoch;
    }

    /// Adds a module; `build_id` is empty or at most 32 bytes.
    pub fn module(&mut self, path: &str, build_id: &[u8], flags: u32) -> u32 {
        let path = self.text(path);
        let build_id_len = build_id.len() as u32;
        let mut module = Module {
            path,
            build_id_len,
            flags,
            end: 1,
            ..Module::zeroed()
        };
        module.build_id[..build_id.len()].copy_from_slice(build_id);
        push(&mut self.modules, module)
    }

    /// Adds a Java method with its line table.
    pub fn method(&mut self, class: &str, name: &str, file: &str, lines: &[(u16, u16)]) -> u32 {
        let pairs = lines
            .iter()
            .flat_map(|(bci, line)| [bci.to_le_bytes(), line.to_le_bytes()]);
        let table: Vec<u8> = pairs.flatten().collect();
        let method = Method {
            class: self.text(class),
            name: self.text(name),
            signature: self.text("()V"),
            file: self.text(file),
            lines: self.bytes(&table),
        };
        push(&mut self.methods, method)
    }

    /// Adds a scope.
    pub fn scope(&mut self, name: &str) -> u32 {
        let name = self.text(name);
        push(
            &mut self.scopes,
            Scope {
                name,
                written: 1,
                ..Scope::zeroed()
            },
        )
    }

    /// Closes a scope as of this epoch.
    pub fn close_scope(&mut self, scope: u32, epoch: u32) {
        self.scopes[scope as usize].closed = epoch;
    }

    /// Adds a checkpoint and makes its epoch the newest.
    pub fn checkpoint(&mut self, epoch: u32, label: &str) {
        let label = self.text(label);
        self.header.epoch = epoch;
        self.checkpoints.push(Checkpoint {
            epoch,
            thread: 0,
            label,
            unix_ns: 1,
        });
    }

    /// Adds an invalid free as it stands.
    pub fn invalid_free(&mut self, invalid_free: InvalidFree) {
        self.invalid_frees.push(invalid_free);
    }

    /// Adds a point of the timeline.
    pub fn point(&mut self, unix_ns: u64, bytes: u64, blocks: u64, epoch: u32, cause: Cause) {
        self.points.push(Point {
            unix_ns,
            bytes,
            blocks,
            epoch,
            cause: cause as u32,
        });
    }

    /// Adds an assertion that ended 1 ns after the start and found one block of `bytes`, or none.
    pub fn assertion(&mut self, label: &str, since: u32, outcome: Outcome, bytes: u64) {
        let label = self.text(label);
        let leaked = u32::from(bytes > 0);
        self.assertions.push(Assertion {
            outcome: outcome as u32,
            check: Check::Assertion as u32,
            since,
            scope: 0,
            unix_ns: self.header.start_unix_ns + 1,
            bytes,
            blocks: leaked.into(),
            sites: leaked,
            thread: 0,
            label,
            detail: Blob::default(),
        });
    }

    /// Adds an assertion as it stands.
    pub fn assertion_record(&mut self, assertion: Assertion) {
        self.assertions.push(assertion);
    }

    /// Notes what the handle at `address` stands for.
    pub fn named(&mut self, address: u64, stack: u32, context: u32, name: &str) {
        let named = Named {
            address,
            origin: u64::from(stack) | u64::from(context) << 32,
            name: self.text(name),
            kind: Kind::Fd as u32,
            reserved: 0,
        };
        self.names.push(named);
    }

    /// Adds a holder and gives its number.
    pub fn holder(&mut self, root: Root, name: &str, tid: u32, chain: &[Link]) -> u32 {
        let holder = Holder {
            root: root as u32,
            module: 0,
            offset: 0,
            tid,
            reserved: 0,
            name: self.text(name),
            chain: self.bytes(bytemuck::cast_slice(chain)),
        };
        push(&mut self.holders, holder) + 1
    }

    /// Adds a judging with what it found, and gives its number.
    pub fn judging(&mut self, flags: u32, judged: &[Judged]) -> u32 {
        let first = self.judged.len() as u32;
        self.judged.extend_from_slice(judged);
        let judging = Judging {
            unix_ns: self.header.start_unix_ns + 1,
            since: 0,
            flags,
            first,
            count: judged.len() as u32,
            reserved: 0,
        };
        push(&mut self.judgings, judging) + 1
    }

    /// Adds a context.
    pub fn context(&mut self, epoch: u32, scope: u32, thread: u32, flags: u32) -> u32 {
        push(
            &mut self.contexts,
            Context {
                epoch,
                scope,
                thread,
                flags,
            },
        )
    }

    /// Adds a node of the stack tree as it stands.
    pub fn node(&mut self, frame: u64, parent: u32) -> u32 {
        push(
            &mut self.nodes,
            Node {
                frame,
                parent,
                hash: 0,
            },
        )
    }

    /// Adds a stack, given as it is printed: the allocating function first.
    pub fn stack(&mut self, innermost_first: &[Frame]) -> u32 {
        let frames = innermost_first.iter().rev();
        frames.fold(0, |parent, frame| self.node(frame.encode(), parent))
    }

    /// Sets a counter of the header.
    pub fn counter(&mut self, counter: Counter, count: u64) {
        self.header.counters[counter as usize] = count;
    }

    /// Adds a live block; the address decides the place of its record.
    pub fn live(&mut self, address: u64, size: u64, kind: Kind, stack: u32, context: u32) {
        let live = Live::new(stack, context, size, kind);
        let epoch = self
            .contexts
            .get(context as usize)
            .map_or(0, |context| context.epoch);
        let newest = if epoch == 0 { self.header.epoch } else { epoch };
        self.live_record(address, live, newest);
    }

    /// Puts a record at the place of `address` and raises its page's summary to `epoch`.
    pub fn live_record(&mut self, address: u64, live: Live, epoch: u32) {
        let odd = address % 16 == 8;
        let kind = if odd {
            SegmentKind::LiveOdd
        } else {
            SegmentKind::Live
        };
        let base = address >> 20;
        let segment = self.live.entry((odd, base)).or_insert_with(|| LiveSegment {
            header: segment_header(kind, base),
            records: vec![Live::zeroed(); SEGMENT_DATA_LEN as usize / size_of::<Live>()],
        });
        let granule = (address & 0xf_ffff) as usize / 16;
        segment.records[granule] = live;
        let summary = &mut segment.header.summary[granule / 256];
        *summary = (*summary).max(epoch);
    }

    /// A process with `records` live blocks at `sites` sites, whose stacks are as deep as those of
    /// a test of a JNI library: some 20 Java frames above some 12 native ones.
    pub fn large(records: u64, sites: u64) -> ImageBuilder {
        let mut image = ImageBuilder::new();
        let modules: Vec<u32> = (0..8)
            .map(|number| image.module(&format!("/app/lib/libpart{number}.so"), &[number; 20], 0))
            .collect();
        let methods: Vec<u32> = (0..4000)
            .map(|number| {
                let class = format!("com.example.part{}.Class{}", number % 23, number % 600);
                let file = format!("Class{}.java", number % 600);
                image.method(
                    &class,
                    &format!("method{number}"),
                    &file,
                    &[(0, 1), (40, 900)],
                )
            })
            .collect();
        let main = image.thread(4242, "main", records, records * 100);
        let pool = image.thread(4243, "pool-1", records, records * 100);
        let contexts = [main, pool].map(|thread| image.context(1, 0, thread, 0));
        let mut known: BTreeMap<(u32, u64), u32> = BTreeMap::new();
        let mut stacks = Vec::new();
        for site in 0..sites {
            let mut node = 0;
            let java = (0..20_u64).map(|depth| Frame::Java {
                method: methods
                    [((site >> (20 - depth).min(13)) * 31 + depth * 97) as usize % methods.len()],
                bci: (depth * 3) as u16,
            });
            let native = (0..12_u64).map(|depth| Frame::Native {
                module: modules[depth as usize % modules.len()],
                vaddr: 0x1000 + ((site >> (11 - depth)) * 64 + depth) * 16,
            });
            for frame in java.chain(native) {
                let key = (node, frame.encode());
                node = *known.entry(key).or_insert_with(|| image.node(key.1, key.0));
            }
            stacks.push(node);
        }
        for record in 0..records {
            let stack = stacks[(record % sites) as usize];
            let context = contexts[(record / sites % 2) as usize];
            let address = 0x7f00_0000_0000 + record * 64;
            image.live(address, 16 + record % 1000, Kind::New, stack, context);
        }
        for second in 0..600 {
            image.point(
                second * 1_000_000_000 + 1,
                second * 4096,
                second,
                1,
                Cause::Traffic,
            );
        }
        image
    }

    /// The file's bytes.
    pub fn finish(&self) -> Vec<u8> {
        let mut header = self.header;
        let mut segments: Vec<(SegmentHeader, Vec<u8>)> = Vec::new();
        let arenas: [(SegmentKind, usize, Vec<Vec<u8>>); 15] = [
            (SegmentKind::Nodes, self.nodes.len(), pieces(&self.nodes)),
            (
                SegmentKind::Contexts,
                self.contexts.len(),
                pieces(&self.contexts),
            ),
            (
                SegmentKind::Threads,
                self.threads.len(),
                pieces(&self.threads),
            ),
            (
                SegmentKind::Modules,
                self.modules.len(),
                pieces(&self.modules),
            ),
            (
                SegmentKind::Methods,
                self.methods.len(),
                pieces(&self.methods),
            ),
            (SegmentKind::Blobs, self.blobs.len(), pieces(&self.blobs)),
            (SegmentKind::Scopes, self.scopes.len(), pieces(&self.scopes)),
            (
                SegmentKind::Checkpoints,
                self.checkpoints.len(),
                pieces(&self.checkpoints),
            ),
            (
                SegmentKind::InvalidFrees,
                self.invalid_frees.len(),
                pieces(&self.invalid_frees),
            ),
            (SegmentKind::Points, self.points.len(), pieces(&self.points)),
            (
                SegmentKind::Assertions,
                self.assertions.len(),
                pieces(&self.assertions),
            ),
            (
                SegmentKind::Judgings,
                self.judgings.len(),
                pieces(&self.judgings),
            ),
            (SegmentKind::Judged, self.judged.len(), pieces(&self.judged)),
            (
                SegmentKind::Holders,
                self.holders.len(),
                pieces(&self.holders),
            ),
            (SegmentKind::Names, self.names.len(), pieces(&self.names)),
        ];
        for (position, (kind, length, pieces)) in arenas.into_iter().enumerate() {
            header.lengths[position] = length as u64;
            for (base, piece) in pieces.into_iter().enumerate() {
                segments.push((segment_header(kind, base as u64), piece));
            }
        }
        for segment in self.live.values() {
            segments.push((
                segment.header,
                bytemuck::cast_slice(&segment.records).to_vec(),
            ));
        }
        header.segments = segments.len() as u64;
        let mut file = padded(bytemuck::bytes_of(&header), HEADER_LEN);
        for (header, data) in segments {
            file.extend(padded(bytemuck::bytes_of(&header), SEGMENT_HEADER_LEN));
            file.extend(padded(&data, SEGMENT_DATA_LEN));
        }
        file
    }

    /// Writes the image to `path`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.finish())
    }
}

fn segment_header(kind: SegmentKind, base: u64) -> SegmentHeader {
    SegmentHeader {
        magic: SEGMENT_MAGIC,
        kind: kind as u32,
        base,
        ..SegmentHeader::zeroed()
    }
}

/// An arena cut in segments; no record crosses from one to the next.
fn pieces<T: Pod>(records: &[T]) -> Vec<Vec<u8>> {
    let per_piece = SEGMENT_DATA_LEN as usize / size_of::<T>();
    records
        .chunks(per_piece)
        .map(|piece| bytemuck::cast_slice(piece).to_vec())
        .collect()
}

fn padded(bytes: &[u8], length: u64) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(length as usize, 0);
    padded
}
