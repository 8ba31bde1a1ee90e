//! Closed lists of words: one declaration from which the enum, its list, its text and its JSON follow.
//!
//! Invariant: a word is read as its own variant or not at all. JSON with a word of a newer version is
//! refused, and the error names the word. A reader that must go on calls `from_word` and says what `None`
//! means to it.

use serde::de::{Deserialize, Deserializer, Error};

/// Declares an enum whose variants are words:
///
/// ```text
/// word_enum! {
///     /// The size of a shirt.
///     pub enum Size {
///         /// Up to 50.
///         Small = "small",
///     }
/// }
/// ```
///
/// It has `ALL`, `WORDS` (each word with its variant), `as_str`, `from_word` and `Display`, and it is its word
/// in JSON. With `enum Size: Facts`, where `Facts` is a struct, each line ends in the fields of that struct,
/// such as `Small = "small" { width: 50 }`, and a private `facts` gives them back.
macro_rules! word_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every variant, in the order of the declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Every word with its variant.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The variant of a word; `None` for a word that this version does not know.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, variant)| *variant)
            }
        }

        #[cfg(feature = "describe")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": Self::ALL.map(Self::as_str).as_slice() })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::base::words::deserialize(deserializer, stringify!($name), Self::from_word)
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $facts:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal { $($fields:tt)* },)+
    }) => {
        $crate::base::words::word_enum! {
            $(#[$meta])* $vis enum $name { $($(#[$variant_meta])* $variant = $word,)+ }
        }

        impl $name {
            const fn facts(self) -> $facts {
                match self { $(Self::$variant => $facts { $($fields)* },)+ }
            }
        }
    };
}

pub(crate) use word_enum;

/// Reads a word of the list `name`.
pub fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    name: &str,
    from_word: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let word = String::deserialize(deserializer)?;
    from_word(&word).ok_or_else(|| D::Error::custom(format_args!("`{word}` is no {name} of this version")))
}

#[cfg(test)]
mod tests {
    struct Facts {
        width: u8,
    }

    word_enum! {
        /// The size of a shirt.
        #[derive(Default)]
        enum Size: Facts {
            /// Up to 50.
            Small = "small" { width: 50 },
            /// Up to 60.
            #[default]
            ExtraLarge = "extra_large" { width: 60 },
        }
    }

    #[test]
    fn every_variant_is_its_word_in_text_and_json() {
        for (size, word) in Size::ALL.into_iter().zip(["small", "extra_large"]) {
            assert_eq!((size.as_str(), Size::from_word(word)), (word, Some(size)));
            assert_eq!(serde_json::to_string(&size).unwrap(), format!("\"{size}\""));
            assert_eq!(serde_json::from_str::<Size>(&format!("\"{word}\"")).unwrap(), size);
        }
        assert_eq!(Size::ALL.map(|size| size.facts().width), [50, 60]);
        assert_eq!(Size::default(), Size::ExtraLarge);
    }

    #[test]
    fn a_word_of_a_newer_version_is_refused_by_its_name() {
        assert_eq!(Size::from_word("medium"), None);
        let refused = serde_json::from_str::<Size>("\"medium\"").unwrap_err().to_string();
        assert!(refused.starts_with("`medium` is no Size of this version"), "{refused}");
        assert!(serde_json::from_str::<Size>("1").is_err());
    }
}
