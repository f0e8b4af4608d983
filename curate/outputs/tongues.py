"""The script and the language of a text, as far as a few hundred characters tell: Unicode blocks and stop words.

Scripts are certain. Languages of the Latin script are told by their commonest short words, of which running text has one
in three (Zipf); a language is named only where it has at least six of them four different
ones among them, and twice as many as any other.
"""

from __future__ import annotations

import polars as pl

SAMPLE = 300  # characters that are looked at
SCRIPTS = {
    "Han": r"\p{Han}",
    "Japanese": r"[\x{3041}-\x{3096}\x{30A1}-\x{30FA}]",
    "Hangul": r"\p{Hangul}",
    "Cyrillic": r"\p{Cyrillic}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Bengali": r"\p{Bengali}",
    "Tamil": r"\p{Tamil}",
    "Thai": r"\p{Thai}",
    "Greek": r"\p{Greek}",
}
_STOP_WORDS = {
    "English": "the of and to in is that it for was with as on are this be by you at have from or your can not they which will",
    "German": "der die und das den von zu mit sich des auf für ist nicht ein eine dem auch es wird bei oder sie haben kann",
    "French": "le la les des et est une du que dans pour qui sur au pas par avec ce sont il vous plus nous cette ou être",
    "Spanish": "el los las que en una por con para es del se como su más pero sus al ser está son puede esto también",
    "Portuguese": "os que em um uma para com não por mais as dos como mas ao ele das seu sua ou são você isso pode também",
    "Italian": "il che di la per una sono con non del si da le nel dei gli alla anche della più come questo essere può",
    "Dutch": "de het een van en dat op te zijn voor met die niet aan er om ook als maar bij naar door wordt kan deze",
    "Polish": "na się że nie jest do to jak ale od po przez dla są może tym być oraz które czy był ich lub",
    "Turkish": "ve bir bu için ile olarak da de çok daha olan gibi ne en kadar her sonra ancak veya olabilir bunu değil",
    "Indonesian": "yang dan di untuk dengan dari ini pada tidak dalam adalah itu ke akan dapat anda juga atau oleh sebagai",
    "Vietnamese": "và của là có trong cho được không với các một những này để người khi đã từ bạn thể",
    "Swedish": "och att det som en på är av för med den till inte har de ett om ett var från kan man eller",
}
_SCRIPT_SAMPLE = 200
_LEAST_WORDS = 6
_DIFFERENT = 4  # of them: "plus" six times is a sum, not French
_LEAST_LETTERS = 10


def tongues(texts: pl.Series) -> pl.Series:
    """Return the script or language of each text: ``Han``, ``Cyrillic`` ... or ``English`` ...; null where it does not tell.

    A script is named where more than half of the letters are its own, ten at least, and Han counts double (a character is
    a word); Japanese is Han with kana. ``Latin`` is a text of 20 letters and more whose language doesn't tell.

    >>> tongues(pl.Series(["Что это такое, скажите?", "What is it that you say to the man in the car?", "x = 1"])).to_list()
    ['Cyrillic', 'English', None]
    """
    table = pl.DataFrame({"text": texts.fill_null("").str.head(SAMPLE)}).with_row_index("at")
    # Most texts of most sets are ASCII: neither scripts nor accents are looked for in them.
    wide = pl.col("text").str.len_bytes() != pl.col("text").str.len_chars()
    written = _written(table.filter(wide))
    rest = table.join(written, on="at", how="anti", maintain_order="left")
    spoken = _spoken(rest)
    other = rest.join(spoken, on="at", how="anti").filter(
        pl.col("text").str.contains(rf"(?:[A-Za-z][^A-Za-z]*){{{2 * _LEAST_LETTERS}}}")  # stops at the twentieth
    )
    both = pl.concat([written, spoken, other.select("at", pl.lit("Latin").alias("tongue"))])
    return table.join(both, on="at", how="left", maintain_order="left")["tongue"].alias(texts.name)


def _written(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``at, tongue`` of the texts that are mostly in another script than Latin."""
    counts = _script_counts(table.select("at", pl.col("text").str.head(_SCRIPT_SAMPLE)))
    other = pl.max_horizontal(*SCRIPTS)
    name = pl.coalesce([pl.when(pl.col(name) == other).then(pl.lit(name)) for name in SCRIPTS])
    kana = (pl.col("Japanese") * 5 > pl.col("Han")) & (name.is_in(["Han", "Japanese"]))
    double = pl.when(name.is_in(["Han", "Japanese"])).then(2 * (pl.col("Han") + pl.col("Japanese"))).otherwise(other)
    return counts.filter((double > pl.col("latin")) & (double >= _LEAST_LETTERS)).select(
        "at", pl.when(kana).then(pl.lit("Japanese")).otherwise(name).alias("tongue")
    )


def _script_counts(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``at, latin`` and the letters of each script; ten of the eleven are counted only in texts that hold one of them."""
    rare = [name for name in SCRIPTS if name != "Han"]
    one = "|".join(SCRIPTS[name] for name in rare)

    def counted(some: pl.DataFrame, names: list[str]) -> pl.DataFrame:
        return some.select(
            "at",
            *(
                (pl.col("text").str.count_matches(SCRIPTS[name]) if name in names else pl.lit(0, pl.UInt32)).alias(name)
                for name in SCRIPTS
            ),
            latin=pl.col("text").str.count_matches(r"\p{Latin}"),
        )

    table = table.with_columns(rare=pl.col("text").str.contains(one))
    return pl.concat([counted(table.filter("rare"), list(SCRIPTS)), counted(table.filter(~pl.col("rare")), ["Han"])])


def _spoken(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``at, tongue`` by stop words; English first, and the rest only where it is not clearly that."""
    lower = table.with_columns(pl.col("text").str.to_lowercase())
    english = lower.select("at", "text", English=_count("English"))
    clear = english.filter(pl.col("English") * 8 >= pl.col("text").str.count_matches(" ", literal=True) + 1)
    sure = clear.filter(pl.col("English") >= _LEAST_WORDS).select("at", pl.lit("English").alias("tongue"))
    others = [name for name in _STOP_WORDS if name != "English"]
    long = pl.col("text").str.count_matches(" ", literal=True) >= 2 * _LEAST_WORDS  # stop words are a third of a text
    unsure = english.filter(~pl.col("at").is_in(sure["at"].implode()) & long).with_columns(
        _count(name).alias(name) for name in others
    )
    best = pl.max_horizontal(*_STOP_WORDS)
    named = unsure.select(
        "at",
        best.alias("best"),
        pl.concat_list(*_STOP_WORDS).list.sort(descending=True).list.get(1).alias("second"),
        pl.coalesce([pl.when(pl.col(name) == best).then(pl.lit(name)) for name in _STOP_WORDS]).alias("tongue"),
    )
    told = named.filter((pl.col("best") >= _LEAST_WORDS) & (pl.col("best") >= 2 * pl.col("second")))
    told = told.join(lower, on="at", how="left", maintain_order="left")
    several = [told.filter(pl.col("tongue") == name).filter(_distinct(name) >= _DIFFERENT) for name in others]
    return pl.concat([sure, *(some.select("at", "tongue") for some in several)])


def _count(name: str) -> pl.Expr:
    """How often a language's stop words stand in the text."""
    return pl.col("text").str.count_matches(_pattern(name))


def _distinct(name: str) -> pl.Expr:
    return pl.col("text").str.extract_all(_pattern(name)).list.n_unique()


def _pattern(name: str) -> str:
    words = "|".join(sorted(_STOP_WORDS[name].split(), key=len, reverse=True))
    edge = r"(?-u:\b)" if words.isascii() else r"\b"  # an ASCII edge keeps Rust's regex on its fast automaton
    return f"{edge}(?:{words}){edge}"
