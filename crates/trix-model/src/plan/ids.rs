//! Numbers of the parts of a plan, each of a type of its own, and lists with an entry for each part.
//!
//! Invariant: a number of one kind cannot be used where a number of another kind is expected.

use std::{
    fmt,
    ops::{Index, IndexMut},
};

use serde::{Deserialize, Serialize};

/// Defines the number of one kind of part. It is a plain number in JSON.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub usize);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// The number of a file in [`crate::plan::Plan::outputs`].
    OutputId
}
id! {
    /// The number of a package in [`crate::plan::Plan::packages`].
    PackageId
}
id! {
    /// The number of a still in [`crate::plan::Plan::stills`].
    StillId
}
id! {
    /// The number of an encode in [`crate::plan::Plan::encodes`].
    EncodeId
}
id! {
    /// The number of a filter step in [`crate::plan::Plan::filters`].
    StepId
}

/// An audio stream that a job reads. In JSON, it is two keys: `stream`, its index, and `side`, the number of its external
/// track or `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "StreamKeys", into = "StreamKeys")]
pub enum StreamId {
    /// A stream of the source, by its index.
    Source(usize),
    /// An external audio track.
    Side {
        /// The number of the track in [`crate::plan::Plan::external_audio`].
        track: usize,
        /// Its index in messages and reports, where external tracks follow the streams of the source.
        index: usize,
    },
}

/// The keys of a stream in JSON.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct StreamKeys {
    /// Index of the stream in the source; of an external audio track, its number after the streams of the source.
    stream: usize,
    /// For an external audio track: which one, by number.
    side: Option<usize>,
}

impl From<StreamKeys> for StreamId {
    fn from(StreamKeys { stream, side }: StreamKeys) -> Self {
        side.map_or(StreamId::Source(stream), |track| StreamId::Side { track, index: stream })
    }
}

impl From<StreamId> for StreamKeys {
    fn from(stream: StreamId) -> Self {
        StreamKeys { stream: stream.index(), side: stream.external_audio() }
    }
}

impl StreamId {
    /// The index in messages and reports, where external tracks follow the streams of the source.
    pub fn index(self) -> usize {
        match self {
            StreamId::Source(index) | StreamId::Side { index, .. } => index,
        }
    }

    /// The index of a stream of the source.
    pub fn source(self) -> Option<usize> {
        match self {
            StreamId::Source(index) => Some(index),
            StreamId::Side { .. } => None,
        }
    }

    /// The number of an external audio track.
    pub fn external_audio(self) -> Option<usize> {
        match self {
            StreamId::Source(_) => None,
            StreamId::Side { track, .. } => Some(track),
        }
    }
}

/// Something that a job makes, under a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// A file.
    Output(OutputId),
    /// A package.
    Package(PackageId),
    /// A still, or a set of stills.
    Still(StillId),
}

/// Something that takes the packets of encoders: a file, or a rendition of a package. In JSON, a file is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Sink {
    /// A file.
    Output(OutputId),
    /// A rendition.
    Rendition {
        /// Its package.
        package: PackageId,
        /// Its number in the package.
        rendition: usize,
    },
}

impl Sink {
    /// The product that has the packets.
    pub fn product(self) -> Product {
        match self {
            Sink::Output(output) => Product::Output(output),
            Sink::Rendition { package, .. } => Product::Package(package),
        }
    }
}

/// A list with an entry for each product of a plan: files, then packages, then stills.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct PerProduct<T> {
    #[doc(hidden)]
    pub outputs: Vec<T>,
    #[doc(hidden)]
    pub packages: Vec<T>,
    #[doc(hidden)]
    pub stills: Vec<T>,
}

impl<T> PerProduct<T> {
    /// A list for this number of files, packages and stills.
    #[doc(hidden)]
    pub fn of([outputs, packages, stills]: [usize; 3], mut make: impl FnMut(Product) -> T) -> Self {
        PerProduct {
            outputs: (0..outputs).map(|number| make(Product::Output(OutputId(number)))).collect(),
            packages: (0..packages).map(|number| make(Product::Package(PackageId(number)))).collect(),
            stills: (0..stills).map(|number| make(Product::Still(StillId(number)))).collect(),
        }
    }

    /// A list for the same products.
    #[doc(hidden)]
    pub fn map<U>(&self, mut make: impl FnMut(Product, &T) -> U) -> PerProduct<U> {
        let lengths = [self.outputs.len(), self.packages.len(), self.stills.len()];
        PerProduct::of(lengths, |product| make(product, &self[product]))
    }

    #[doc(hidden)]
    pub fn get(&self, product: Product) -> Option<&T> {
        match product {
            Product::Output(id) => self.outputs.get(id.0),
            Product::Package(id) => self.packages.get(id.0),
            Product::Still(id) => self.stills.get(id.0),
        }
    }

    #[doc(hidden)]
    pub fn iter(&self) -> impl Iterator<Item = (Product, &T)> {
        let outputs = self.outputs.iter().enumerate().map(|(number, own)| (Product::Output(OutputId(number)), own));
        let packages = self.packages.iter().enumerate().map(|(number, own)| (Product::Package(PackageId(number)), own));
        let stills = self.stills.iter().enumerate().map(|(number, own)| (Product::Still(StillId(number)), own));
        outputs.chain(packages).chain(stills)
    }

    #[doc(hidden)]
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.outputs.iter().chain(&self.packages).chain(&self.stills)
    }

    #[doc(hidden)]
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.outputs.iter_mut().chain(&mut self.packages).chain(&mut self.stills)
    }
}

impl<T> Index<Product> for PerProduct<T> {
    type Output = T;

    fn index(&self, product: Product) -> &T {
        match product {
            Product::Output(id) => &self.outputs[id.0],
            Product::Package(id) => &self.packages[id.0],
            Product::Still(id) => &self.stills[id.0],
        }
    }
}

impl<T> IndexMut<Product> for PerProduct<T> {
    fn index_mut(&mut self, product: Product) -> &mut T {
        match product {
            Product::Output(id) => &mut self.outputs[id.0],
            Product::Package(id) => &mut self.packages[id.0],
            Product::Still(id) => &mut self.stills[id.0],
        }
    }
}

/// A list with an entry for each file and each rendition of a plan.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct PerSink<T> {
    #[doc(hidden)]
    pub outputs: Vec<T>,
    /// By package.
    #[doc(hidden)]
    pub renditions: Vec<Vec<T>>,
}

impl<T> PerSink<T> {
    #[doc(hidden)]
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.outputs.iter().chain(self.renditions.iter().flatten())
    }
}

impl<T> Index<Sink> for PerSink<T> {
    type Output = T;

    fn index(&self, sink: Sink) -> &T {
        match sink {
            Sink::Output(id) => &self.outputs[id.0],
            Sink::Rendition { package, rendition } => &self.renditions[package.0][rendition],
        }
    }
}

impl<T> IndexMut<Sink> for PerSink<T> {
    fn index_mut(&mut self, sink: Sink) -> &mut T {
        match sink {
            Sink::Output(id) => &mut self.outputs[id.0],
            Sink::Rendition { package, rendition } => &mut self.renditions[package.0][rendition],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_file_is_a_number_in_json_and_a_rendition_names_its_package() {
        let rendition = Sink::Rendition { package: PackageId(1), rendition: 2 };
        for (sink, text) in [(Sink::Output(OutputId(3)), "3"), (rendition, r#"{"package":1,"rendition":2}"#)] {
            assert_eq!(serde_json::to_string(&sink).unwrap(), text);
            assert_eq!(serde_json::from_str::<Sink>(text).unwrap(), sink);
        }
    }

    #[test]
    fn a_stream_is_two_keys_in_json() {
        for (stream, text) in [
            (StreamId::Source(2), r#"{"stream":2,"side":null}"#),
            (StreamId::Side { track: 1, index: 4 }, r#"{"stream":4,"side":1}"#),
        ] {
            assert_eq!(serde_json::to_string(&stream).unwrap(), text);
            assert_eq!(serde_json::from_str::<StreamId>(text).unwrap(), stream);
        }
    }

    #[test]
    fn products_are_listed_as_files_packages_stills_and_found_by_their_numbers() {
        let mut list = PerProduct::of([2, 1, 1], |product| format!("{product:?}"));
        let names: Vec<String> = list.iter().map(|(product, name)| format!("{product:?} {name}")).collect();
        let expected = ["Output(OutputId(0))", "Output(OutputId(1))", "Package(PackageId(0))", "Still(StillId(0))"];
        assert_eq!(names, expected.map(|name| format!("{name} {name}")));
        list[Product::Package(PackageId(0))] = "other".into();
        assert_eq!(list.values().filter(|name| *name == "other").count(), 1);
        assert_eq!(list.get(Product::Still(StillId(0))).map(String::as_str), Some("Still(StillId(0))"));
        assert_eq!(list.get(Product::Still(StillId(1))), None);
    }
}
