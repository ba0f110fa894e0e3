package chatlog.stack;

import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.FilteringTokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.analysis.TokenizerFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.ListSetting;

/**
 * What Elasticsearch makes its index of users and API keys with, and its Maven
 * distribution lacks: three parts of the module analysis-common, by the stable
 * plugin API. Only secure.sh installs it; chatlog's own index needs no plugin.
 */
public final class Emails {
    private Emails() {}

    @NamedComponent("uax_url_email")
    public static class Words implements TokenizerFactory {
        @Override
        public Tokenizer create() {
            return new UAX29URLEmailTokenizer();
        }
    }

    @AnalysisSettings
    public interface Captured {
        @ListSetting(path = "patterns")
        List<String> patterns();

        @BooleanSetting(path = "preserve_original", defaultValue = true)
        boolean preserveOriginal();
    }

    @NamedComponent("pattern_capture")
    public static class Capture implements TokenFilterFactory {
        private final boolean whole;
        private final Pattern[] patterns;

        @Inject
        public Capture(Captured settings) {
            whole = settings.preserveOriginal();
            patterns = settings.patterns().stream().map(Pattern::compile).toArray(Pattern[]::new);
        }

        @Override
        public TokenStream create(TokenStream in) {
            return new PatternCaptureGroupTokenFilter(in, whole, patterns);
        }
    }

    @NamedComponent("unique")
    public static class Once implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream in) {
            return new FilteringTokenFilter(in) {
                private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
                private final CharArraySet seen = new CharArraySet(8, false);

                @Override
                protected boolean accept() {
                    return seen.add(term.toString());
                }

                @Override
                public void reset() throws IOException {
                    super.reset();
                    seen.clear();
                }
            };
        }
    }
}
