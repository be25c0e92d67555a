access-sign-in = Giriş
access-sign-out = Çıkış
access-name = Kullanıcı adı
access-password = Parola
access-municipality = Belediye
access-sign-in-wrong = Kullanıcı adı ile parola birbirini tutmuyor. Yeniden deneyin.
access-sign-in-often = Çok sayıda hatalı deneme yapıldı. { $seconds } saniye sonra yeniden deneyin.
access-demo = Bu bir gösterim kurulumudur. Hesaplar: operator, desk, unit, supervisor, auditor, admin. Hepsinin parolası: demo.

access-set-up-title = Parola belirleyin
access-set-up-lead = “{ $name }” hesabının parolasını belirliyorsunuz. Bu bağlantı yalnızca bir kez kullanılabilir.
access-set-up-button = Parolayı kaydet
access-new-password = Yeni parola
access-old-password = Şimdiki parola
access-password-again = Yeni parola, bir kez daha
access-password-hint = En az 10 karakter. Birkaç sözcükten oluşan bir cümle hem güvenli hem de akılda kalıcıdır.
access-password-short = Parola en az 10 karakter olmalı
access-password-long = Parola en çok 256 karakter olabilir
access-password-name = Parola kullanıcı adının kendisi olamaz
access-password-differs = İki parola birbirinin aynı değil
access-password-old = Şimdiki parola doğru değil
access-link-title = Bağlantı geçerli değil
access-link-text = Bu bağlantı kullanılmış, süresi dolmuş ya da eksik kopyalanmış. Yöneticinizden yenisini isteyin.

access-account = Hesabım
access-roles = Görevler
access-unit = Birim
access-change-password = Parolayı değiştir
access-sessions = Açık oturumlar
access-session-began = Başlangıç
access-session-ends = En geç bitiş
access-session-this = bu oturum
access-session-end = Oturumu kapat
access-sessions-end = Bütün oturumlarımı kapat

access-role-operator = Çağrı görevlisi
access-role-desk = Çözüm masası
access-role-unit = Birim görevlisi
access-role-supervisor = Sorumlu
access-role-auditor = Denetçi
access-role-admin = Yönetici

access-admin = Yönetim

access-ended-title = Oturumunuz kapalı
access-ended-text = Oturumunuz sona ermiş, bu yüzden gönderdiğiniz işlenmedi. Başka bir sekmede giriş yapın, sonra bu sayfadan geri dönüp yeniden gönderin.
access-forbidden-title = Bu sayfa size açık değil
access-forbidden-text = Göreviniz bu sayfayı ya da bu işlemi kapsamıyor. Gerekiyorsa yöneticinizle görüşün.
access-foreign-title = Form kabul edilmedi
access-foreign-text = Form bu oturumun bir sayfasından gönderilmemiş görünüyor ve hiçbir şey yapılmadı. Geri dönün, sayfayı yenileyin ve yeniden gönderin.
access-large-title = Çok büyük
access-large-text = Gönderdiğiniz dosyalar çok büyük. Daha küçük dosyalarla yeniden deneyin.
access-often-title = Biraz bekleyin
access-often-text = Kısa sürede çok sayıda istek geldi. Birazdan yeniden deneyin; yazdıklarınız geri döndüğünüzde yerinde durur.
