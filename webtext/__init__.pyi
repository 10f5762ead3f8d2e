from pipelines.api import (
    Counts as Counts,
)
from pipelines.api import (
    Document as Document,
)
from pipelines.api import (
    Extracted as Extracted,
)
from pipelines.api import (
    Filter as Filter,
)
from pipelines.api import (
    Link as Link,
)
from pipelines.api import (
    NgramFilter as NgramFilter,
)
from pipelines.api import (
    Reason as Reason,
)
from pipelines.api import (
    Rejection as Rejection,
)
from pipelines.api import (
    Sketch as Sketch,
)
from pipelines.api import (
    UsageError as UsageError,
)
from pipelines.api import (
    count_ngrams as count_ngrams,
)
from pipelines.api import (
    extract_text as extract_text,
)
from pipelines.api import (
    first_reason as first_reason,
)
from pipelines.api import (
    load_preset as load_preset,
)
from pipelines.api import (
    make_document as make_document,
)
from pipelines.api import (
    ngram_overlap as ngram_overlap,
)
from pipelines.api import (
    read_corpus as read_corpus,
)
from pipelines.api import (
    read_submissions as read_submissions,
)
from pipelines.api import (
    run_stage as run_stage,
)
from pipelines.api import (
    select_links as select_links,
)
from pipelines.api import (
    similarity as similarity,
)
from pipelines.api import (
    sketch as sketch,
)

__version__: str
